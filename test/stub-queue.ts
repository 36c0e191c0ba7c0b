import { createHash, randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"

/** How a queue misbehaves. Shares are between 0 and 1, drawn from `random`. */
export interface Hostility {
  /** Messages handed out twice in the same receive, each time with its own receipt. */
  readonly doubled?: number
  /** Messages that stay receivable although somebody holds them. */
  readonly visibleThoughHeld?: number
  /** Entries of a delete that fail with InternalError, by no fault of the sender. */
  readonly failedDeletes?: number
  /** Receives that come up empty although messages wait. */
  readonly falseEmpties?: number
  /** How old the counts are: what they were that long ago. */
  readonly countsLagMs?: number
  /** Held this long, whatever the receive asked for; null: as it asked. */
  readonly visibilityMs?: number | (() => number | null)
  /** An empty long poll ends after this, whatever it asked for. */
  readonly waitMs?: number
  /** Times each message comes at the least: a delete before the last of them is answered as done, and forgotten. */
  readonly deliveries?: number
  /** Receives of a message after which the next one moves it to the dead letters instead. */
  readonly maxReceives?: number
  readonly random?: () => number
}

interface Kept {
  readonly id: string
  readonly body: string
  readonly md5: string
  readonly sentAtMs: number
  receives: number
  /** Of the last receive. An older one deletes nothing, and is told that it did: SQS does so. */
  receipt: string
  visibleAtMs: number
  deleted: boolean
}

export interface MessageJson {
  readonly MessageId?: string | null
  readonly ReceiptHandle?: string | null
  readonly Body?: unknown
  readonly MD5OfBody?: string | null
  readonly Attributes?: Record<string, string>
}

interface Counts {
  readonly visible: number
  readonly inFlight: number
}

interface Entry {
  readonly Id: string
  readonly ReceiptHandle: string
  readonly VisibilityTimeout?: number
}

const LOOK_AGAIN_MS = 10

/** A queue in memory: standard SQS, with long polls, visibility and receipts, and as bad as it is told to be. */
export function createStubQueue(hostility: Hostility = {}) {
  const { random = Math.random } = hostility
  const visibleAfterMs = (seconds: number) => {
    const { visibilityMs = null } = hostility
    return (typeof visibilityMs === "function" ? visibilityMs() : visibilityMs) ?? seconds * 1000
  }
  const chance = (share: number | undefined) => share !== undefined && share > 0 && random() < share

  let waiting: Kept[] = []
  let head = 0
  const held = new Map<string, Kept>()
  const past: (Counts & { atMs: number })[] = []
  const dead: Kept[] = []
  let handedOut = 0
  let sweepAtMs = 0
  let receipts = 0

  function send(bodies: readonly string[], sentAtMs = Date.now()): string[] {
    const ids = bodies.map((body) => {
      const md5 = createHash("md5").update(body).digest("hex")
      const kept = { id: randomUUID(), body, md5, sentAtMs, receives: 0, receipt: "", visibleAtMs: 0 }
      waiting.push({ ...kept, deleted: false })
      return kept.id
    })
    remember()
    return ids
  }

  /** Put what nobody holds any longer back into the queue. */
  function sweep() {
    const nowMs = Date.now()
    if (nowMs < sweepAtMs) return
    sweepAtMs = nowMs + LOOK_AGAIN_MS
    for (const [receipt, kept] of held) {
      if (kept.visibleAtMs > nowMs) continue
      held.delete(receipt)
      waiting.push(kept)
    }
  }

  function next(): Kept | undefined {
    if (head > 10_000 && head * 2 > waiting.length) {
      waiting = waiting.slice(head)
      head = 0
    }
    while (head < waiting.length) {
      const kept = waiting[head++] as Kept
      if (kept.deleted) continue
      if (kept.receives < (hostility.maxReceives ?? Number.POSITIVE_INFINITY)) return kept
      held.delete(kept.receipt)
      dead.push(kept)
    }
    return undefined
  }

  function hand(kept: Kept, visibilityMs: number): MessageJson {
    held.delete(kept.receipt)
    handedOut++
    kept.receives++
    kept.receipt = `${kept.id}#${++receipts}`
    kept.visibleAtMs = Date.now() + visibilityMs
    held.set(kept.receipt, kept)
    if (chance(hostility.visibleThoughHeld)) waiting.push(kept)
    return {
      MessageId: kept.id,
      ReceiptHandle: kept.receipt,
      MD5OfBody: kept.md5,
      Body: kept.body,
      Attributes: { SentTimestamp: `${kept.sentAtMs}`, ApproximateReceiveCount: `${kept.receives}` },
    }
  }

  async function receive(max: number, waitSeconds: number, visibilitySeconds: number) {
    const visibilityMs = visibleAfterMs(visibilitySeconds)
    const untilMs = Date.now() + (hostility.waitMs ?? waitSeconds * 1000)
    const messages: MessageJson[] = []
    remember()
    if (chance(hostility.falseEmpties)) return messages
    for (;;) {
      sweep()
      for (let kept = next(); kept !== undefined; kept = next()) {
        messages.push(hand(kept, visibilityMs))
        if (messages.length < max && chance(hostility.doubled)) messages.push(hand(kept, visibilityMs))
        if (messages.length >= max) break
      }
      if (messages.length > 0 || Date.now() >= untilMs) return messages
      await sleep(LOOK_AGAIN_MS)
    }
  }

  function batch(entries: readonly Entry[], change: (entry: Entry) => string | null) {
    const Successful: { Id: string }[] = []
    const Failed: { Id: string; SenderFault: boolean; Code: string }[] = []
    for (const entry of entries) {
      const code = change(entry)
      if (code === null) Successful.push({ Id: entry.Id })
      else Failed.push({ Id: entry.Id, SenderFault: code !== "InternalError", Code: code })
    }
    return { Successful, Failed }
  }

  function remove({ ReceiptHandle }: Entry): string | null {
    if (chance(hostility.failedDeletes)) return "InternalError"
    const kept = held.get(ReceiptHandle)
    if (kept !== undefined) {
      held.delete(ReceiptHandle)
      if (kept.receives < (hostility.deliveries ?? 0)) waiting.push(kept)
      else kept.deleted = true
    }
    return ReceiptHandle.includes("#") ? null : "ReceiptHandleIsInvalid"
  }

  function change({ ReceiptHandle, VisibilityTimeout = 0 }: Entry): string | null {
    const kept = held.get(ReceiptHandle)
    if (kept === undefined)
      return ReceiptHandle.includes("#") ? "MessageNotInflight" : "ReceiptHandleIsInvalid"
    kept.visibleAtMs = Date.now() + (VisibilityTimeout && visibleAfterMs(VisibilityTimeout))
    return null
  }

  function countNow(): Counts {
    const live = (kept: Kept) => !kept.deleted && !held.has(kept.receipt)
    return { visible: waiting.slice(head).filter(live).length, inFlight: held.size }
  }

  function remember() {
    if (hostility.countsLagMs !== undefined) past.push({ atMs: Date.now(), ...countNow() })
  }

  function counts(): Counts {
    sweep()
    remember()
    const { countsLagMs = 0 } = hostility
    const old = past.findLast((counts) => counts.atMs <= Date.now() - countsLagMs)
    return old ?? past[0] ?? countNow()
  }

  return {
    send,
    receive,
    counts,
    /** What is really there, whatever the counts say. */
    countNow() {
      sweep()
      return countNow()
    },
    /** Times any message was handed out. */
    handedOut: () => handedOut,
    deadLetters: () => dead.length,
    /** Messages that nobody gets to see within the next `ms`. */
    hiddenFor: (ms: number) => [...held.values()].filter((kept) => kept.visibleAtMs > Date.now() + ms).length,
    deleteBatch: (entries: readonly Entry[]) => batch(entries, remove),
    changeBatch: (entries: readonly Entry[]) => batch(entries, change),
  }
}

export type StubQueue = ReturnType<typeof createStubQueue>
