import type { Clock } from "../time/clock.ts"
import { backoffMs } from "../time/retry.ts"
import type { SourceRetry } from "./source.ts"
import { explain, judge } from "./sqs-failure.ts"

const BACKOFF = { baseMs: 200, capMs: 5000 }
const THROTTLED = { baseMs: 1000, capMs: 20_000 }

export interface RetryOptions {
  /** The queue's name, for messages. */
  readonly queue: string
  readonly clock: Clock
  readonly onRetry: (retry: SourceRetry) => void
  /** Nobody waits any longer. */
  readonly isClosed: () => boolean
}

/** Make attempts until one succeeds, or `giveUpMs` have passed since the first that failed. */
export type Persist = <T>(
  call: SourceRetry["call"],
  giveUpMs: number,
  attempt: () => Promise<T>,
) => Promise<T>

/** @throws UserError once a call is given up; a bug as it is. */
export function createPersist({ queue, clock, onRetry, isClosed }: RetryOptions): Persist {
  return async (call, giveUpMs, make) => {
    let untilMs = 0
    for (let attempt = 1; ; attempt++) {
      try {
        return await make()
      } catch (error) {
        const failure = judge(error)
        if (failure === null) throw error
        const { code, verdict, attempts } = failure
        const delayMs = backoffMs(attempt, verdict === "throttled" ? THROTTLED : BACKOFF)
        if (attempt === 1) untilMs = clock.now() + giveUpMs
        // Without a cause: an error of the SDK may quote the answer, and the answer holds bodies.
        const isOver = attempt >= attempts || clock.now() + delayMs >= untilMs || isClosed()
        if (isOver) throw explain(failure, call, queue)
        onRetry({ call, code, attempt, delayMs })
        await clock.sleep(delayMs)
      }
    }
  }
}
