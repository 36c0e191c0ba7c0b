import { setTimeout as sleep } from "node:timers/promises"
import type { Batch, Row, Sink, Written } from "../src/sink/sink.ts"
import type { Delivery, Source } from "../src/source/source.ts"

/** A queue in memory: honest about visibility, with every receipt good once. */
export interface FakeSource extends Source {
  readonly waiting: Map<string, { body: string; receiveCount: number }>
  readonly hidden: Map<string, { body: string; receiveCount: number; receipt: string }>
  /** Ids in the order they were acknowledged. */
  readonly acknowledged: string[]
  receives: number
  send(bodies: readonly string[]): void
  /** Make hidden messages visible again, as if their timeout had run out. */
  expire(): void
}

const SENT_AT_MS = Date.UTC(2026, 10, 1, 23, 59, 59)

export function createFakeSource(bodies: readonly string[] = []): FakeSource {
  let sent = 0
  let receipts = 0
  const fake: FakeSource = {
    waiting: new Map(),
    hidden: new Map(),
    acknowledged: [],
    receives: 0,
    send(more) {
      for (const body of more) fake.waiting.set(`m${sent++}`, { body, receiveCount: 0 })
    },
    expire() {
      for (const [id, { body, receiveCount }] of fake.hidden) fake.waiting.set(id, { body, receiveCount })
      fake.hidden.clear()
    },
    async receive(max, waitSeconds) {
      fake.receives++
      if (fake.waiting.size === 0) await sleep(waitSeconds * 1000)
      const deliveries = [...fake.waiting].slice(0, max).map(([id, { body, receiveCount }]): Delivery => {
        const receipt = `r${receipts++}`
        fake.waiting.delete(id)
        fake.hidden.set(id, { body, receiveCount: receiveCount + 1, receipt })
        return { id, body, receipt, receiveCount: receiveCount + 1, sentAtMs: SENT_AT_MS }
      })
      return { deliveries, damaged: 0 }
    },
    async acknowledge(deliveries) {
      for (const { id } of deliveries) {
        fake.acknowledged.push(id)
        fake.hidden.delete(id)
        fake.waiting.delete(id)
      }
      return []
    },
    async extend(deliveries, seconds) {
      for (const { id } of deliveries) {
        const message = fake.hidden.get(id)
        if (seconds > 0 || message === undefined) continue
        fake.hidden.delete(id)
        fake.waiting.set(id, { body: message.body, receiveCount: message.receiveCount })
      }
      return []
    },
    async counts() {
      return { visible: fake.waiting.size, inFlight: fake.hidden.size, delayed: 0 }
    },
    async facts() {
      return {
        fifo: false,
        visibilitySeconds: 30,
        retentionSeconds: 345_600,
        maxReceiveCount: null,
        deadLetterQueueArn: null,
      }
    },
    close() {},
  }
  fake.send(bodies)
  return fake
}

/** A table in memory, with a ledger. */
export interface FakeSink extends Sink {
  readonly rows: Row[]
  readonly batches: Batch[]
  readonly ledger: Set<string>
}

export function createFakeSink(
  write?: (batch: Batch, commit: (batch: Batch) => Written) => Promise<Written>,
): FakeSink {
  const fake: FakeSink = {
    rows: [],
    batches: [],
    ledger: new Set(),
    async check() {},
    async write(given) {
      fake.batches.push(given)
      const commit = (batch: Batch): Written => {
        const fresh = batch.rows.filter((row) => !fake.ledger.has(row.messageId))
        const freshRejects = batch.rejects.filter((reject) => !fake.ledger.has(reject.messageId))
        for (const { messageId } of [...fresh, ...freshRejects]) fake.ledger.add(messageId)
        fake.rows.push(...fresh)
        return {
          stored: fresh.length,
          quarantined: freshRejects.length,
          duplicates: batch.rows.length + batch.rejects.length - fresh.length - freshRejects.length,
          originals: fresh.reduce((sum, row) => sum + row.originals.length, 0),
          erasures: batch.erasures,
          refused: [],
        }
      }
      return write === undefined ? commit(given) : write(given, commit)
    },
    async close() {},
  }
  return fake
}
