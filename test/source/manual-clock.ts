import { setImmediate as turn } from "node:timers/promises"
import type { Clock } from "../../src/time/clock.ts"

export interface ManualClock extends Clock {
  /** Let `ms` pass, waking every sleeper in its order, and everything that follows from it happen. */
  pass(ms: number): Promise<void>
}

/** Time in which a sleep is over at once, and yet has passed. */
export function createHurriedClock(): Clock {
  let sleptMs = 0
  return {
    now: () => Date.now() + sleptMs,
    async sleep(ms) {
      sleptMs += ms
    },
  }
}

/** Time that stands still until told. */
export function createManualClock(startMs = Date.UTC(2026, 0, 1)): ManualClock {
  let nowMs = startMs
  let sleepers: { atMs: number; wake: () => void }[] = []
  return {
    now: () => nowMs,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const wake = () => {
          sleepers = sleepers.filter((other) => other !== sleeper)
          signal?.removeEventListener("abort", wake)
          resolve()
        }
        const sleeper = { atMs: nowMs + ms, wake }
        sleepers.push(sleeper)
        signal?.addEventListener("abort", wake)
      }),
    async pass(ms) {
      const untilMs = nowMs + ms
      for (;;) {
        for (let turns = 0; turns < 5; turns++) await turn()
        const next = sleepers.toSorted((a, b) => a.atMs - b.atMs)[0]
        if (next === undefined || next.atMs > untilMs) break
        nowMs = Math.max(nowMs, next.atMs)
        next.wake()
      }
      nowMs = untilMs
    },
  }
}
