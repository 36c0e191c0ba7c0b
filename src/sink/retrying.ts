import type { Clock } from "../time/clock.ts"
import { backoffMs } from "../time/retry.ts"
import { type DatabaseFailure, judge } from "./database-error.ts"
import type { SinkRetry } from "./sink.ts"

export interface RetrySettings {
  /** How long to go on trying to reach a server that does not answer. */
  readonly retrySeconds: number
  /** Fetch the credentials anew: they were refused. Asked once, then a second refusal stops the run. */
  readonly reread: (() => Promise<void>) | undefined
  readonly clock: Clock
}

/** Tries of one transaction that collides with others. */
const MAX_TRIES = 5
const COLLISION = { baseMs: 50, capMs: 2_000 }
const OUTAGE = { baseMs: 100, capMs: 30_000 }

/**
 * Do `work` until it succeeds or there is no point.
 *
 * @throws The raw error when it says that a row cannot be stored, or is no failure
 * of the database; otherwise a `UserError` that is safe to show.
 */
export async function retrying<T>(
  work: () => Promise<T>,
  { retrySeconds, reread, clock }: RetrySettings,
  onRetry: (retry: SinkRetry) => void,
): Promise<T> {
  let collisions = 0
  let outageSinceMs: number | undefined
  let rereadAlready = false

  /** How long to wait before the next try; null to give up. */
  function delayAfter({ action }: DatabaseFailure, attempt: number): number | null {
    if (action === "retry") return ++collisions < MAX_TRIES ? backoffMs(collisions, COLLISION) : null
    if (action === "reread-secret") return reread === undefined || rereadAlready ? null : 0
    if (action !== "reconnect") return null
    outageSinceMs ??= clock.now()
    const leftMs = outageSinceMs + retrySeconds * 1000 - clock.now()
    return leftMs > 0 ? Math.min(backoffMs(attempt, OUTAGE), leftMs) : null
  }

  for (let attempt = 1; ; attempt++) {
    try {
      return await work()
    } catch (error) {
      const failure = judge(error)
      if (failure === null || failure.action === "data") throw error
      const delayMs = delayAfter(failure, attempt)
      if (delayMs === null) throw failure.userError
      onRetry({ sqlState: failure.sqlState, attempt, delayMs })
      if (failure.action === "reread-secret") {
        rereadAlready = true
        await reread?.()
      }
      await clock.sleep(delayMs)
    }
  }
}
