import type { Clock } from "../time/clock.ts"
import { backoffMs } from "../time/retry.ts"
import { atOnce, chunksOf } from "./at-once.ts"
import type { Delivery, SourceRetry } from "./source.ts"
import { type BatchOutput, readBatch } from "./sqs-answer.ts"
import type { Persist } from "./sqs-retry.ts"

export interface BatchOptions {
  readonly persist: Persist
  readonly giveUpMs: number
  readonly clock: Clock
  readonly onRetry: (retry: SourceRetry) => void
}

export interface BatchEntry {
  readonly Id: string
  readonly ReceiptHandle: string
}

/** Settle deliveries by a batch call. @returns Those that could not be, after all tries. */
export type SettleBatch = (
  call: "delete" | "extend",
  deliveries: readonly Delivery[],
  send: (entries: BatchEntry[]) => Promise<BatchOutput>,
) => Promise<Delivery[]>

/** Entries of a batch call: an SQS quota. */
const ENTRIES = 10
/** Batch calls under way at one time for one list of deliveries. */
const CALLS_AT_ONCE = 16
/** How often a single entry that failed by no fault of ours is tried. */
const ENTRY_ATTEMPTS = 5
const ENTRY_BACKOFF = { baseMs: 200, capMs: 2000 }

/**
 * A batch call succeeds although entries of it fail. An entry is settled only
 * if the answer says so: one that failed by the queue's fault, or that the
 * answer does not name, is tried again; one refused for good is given back.
 */
export function createSettleBatch({ persist, giveUpMs, clock, onRetry }: BatchOptions): SettleBatch {
  return async (call, deliveries, send) => {
    const failed: Delivery[] = []

    async function settle(chunk: readonly Delivery[]): Promise<void> {
      let left = chunk
      for (let attempt = 1; ; attempt++) {
        // Not the message id: the same message may stand in a batch twice, and entry ids must differ.
        const entries = left.map(({ receipt }, index) => ({ Id: `${index}`, ReceiptHandle: receipt }))
        const { done, refused } = await persist(call, giveUpMs, async () => readBatch(await send(entries)))
        failed.push(...left.filter((_delivery, index) => refused.has(`${index}`)))
        left = left.filter((_delivery, index) => !done.has(`${index}`) && !refused.has(`${index}`))
        if (left.length === 0) return
        if (attempt >= ENTRY_ATTEMPTS) return void failed.push(...left)
        const delayMs = backoffMs(attempt, ENTRY_BACKOFF)
        onRetry({ call, code: "BatchEntryFailed", attempt, delayMs })
        await clock.sleep(delayMs)
      }
    }

    await atOnce(CALLS_AT_ONCE, chunksOf(ENTRIES, deliveries), settle)
    return failed
  }
}
