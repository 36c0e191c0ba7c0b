import { UserError } from "../errors.ts"
import type { Clock } from "../time/clock.ts"
import { atOnce, chunksOf } from "./at-once.ts"
import type { Delivery, Source } from "./source.ts"

export interface HeartbeatOptions {
  readonly source: Pick<Source, "extend">
  /** For how long the queue hides what it hands out, and what a beat extends by. */
  readonly visibilitySeconds: number
  readonly clock: Clock
  /**
   * What a round came to: messages extended, and messages let go because their
   * receipt is no longer good or twelve hours are over. `failure` when calls
   * failed; their messages are tried again at the next beat.
   */
  readonly onBeat: (count: number, lost: number, failure: UserError | null) => void
}

/** Keeps messages in hand hidden from other consumers, for as long as the work on them takes. */
export interface Heartbeat {
  /** Of the same message received twice, the later receipt is the one to extend. */
  hold(deliveries: readonly Delivery[]): void
  /**
   * Resolves once no extension of these is under way, and none will follow: then
   * they may be deleted. Throws what broke the heartbeat, if a bug did.
   */
  release(deliveries: readonly Delivery[]): Promise<void>
  /** Resolves once the last round is over. Throws what broke the heartbeat, if a bug did. */
  stop(): Promise<void>
}

interface Held {
  readonly delivery: Delivery
  readonly firstMs: number
  /** When it was last received or extended. */
  freshMs: number
  extending: Promise<void> | null
}

/** SQS hides a message for twelve hours in all, counted from the receive (ChangeMessageVisibility). */
const LONGEST_MS = 12 * 3600 * 1000
const ENTRIES = 10
const CALLS_AT_ONCE = 8

/**
 * One heartbeat for everything in hand: a beat every third of the visibility
 * timeout. It extends what would otherwise be older than half the timeout at
 * the next beat, so that messages soon done with cost no call at all.
 */
export function createHeartbeat({ source, visibilitySeconds, clock, onBeat }: HeartbeatOptions): Heartbeat {
  const visibilityMs = visibilitySeconds * 1000
  const everyMs = visibilityMs / 3
  const held = new Map<string, Held>()
  const stopping = new AbortController()

  async function beat(): Promise<void> {
    const startMs = clock.now()
    let count = 0
    let lost = 0
    let failure: UserError | null = null

    async function extend(some: readonly Held[]): Promise<void> {
      const nowMs = clock.now()
      try {
        const gone = new Set(
          await source.extend(
            some.map(({ delivery }) => delivery),
            visibilitySeconds,
          ),
        )
        for (const one of some) {
          if (gone.has(one.delivery)) letGo(one)
          else one.freshMs = nowMs
        }
        count += some.length - gone.size
        lost += gone.size
      } catch (error) {
        if (!(error instanceof UserError)) throw error
        failure ??= error
      } finally {
        for (const one of some) one.extending = null
      }
    }

    const due = [...held.values()].filter(({ freshMs }) => startMs - freshMs >= everyMs / 2)
    const over = due.filter(({ firstMs }) => startMs + visibilityMs > firstMs + LONGEST_MS)
    for (const one of over) letGo(one)
    lost += over.length
    await atOnce(CALLS_AT_ONCE, chunksOf(ENTRIES, due), async (chunk) => {
      // Some may have been released since the round began.
      const some = chunk.filter((one) => held.get(one.delivery.id) === one)
      if (some.length === 0) return
      const call = extend(some)
      for (const one of some) one.extending = call
      await call
    })
    if (count + lost > 0 || failure !== null) onBeat(count, lost, failure)
  }

  function letGo(one: Held): void {
    if (held.get(one.delivery.id) === one) held.delete(one.delivery.id)
  }

  async function run(): Promise<void> {
    for (let nextMs = clock.now() + everyMs; ; nextMs = Math.max(nextMs + everyMs, clock.now())) {
      await clock.sleep(Math.max(0, nextMs - clock.now()), stopping.signal)
      if (stopping.signal.aborted) return
      await beat()
    }
  }

  let bug: { readonly error: unknown } | null = null
  const running = run()
  running.catch((error: unknown) => {
    bug = { error }
  })

  return {
    hold(deliveries) {
      const nowMs = clock.now()
      for (const delivery of deliveries) {
        const extending = held.get(delivery.id)?.extending ?? null
        held.set(delivery.id, { delivery, firstMs: nowMs, freshMs: nowMs, extending })
      }
    },
    async release(deliveries) {
      if (bug !== null) throw bug.error
      const calls = new Set<Promise<void>>()
      for (const { id, receipt } of deliveries) {
        const one = held.get(id)
        if (one === undefined) continue
        if (one.extending !== null) calls.add(one.extending)
        if (one.delivery.receipt === receipt) held.delete(id)
      }
      await Promise.allSettled(calls)
    },
    stop() {
      stopping.abort()
      return running
    },
  }
}
