export const CONNECT_MS = 5000
/** What we are called in the User-Agent header, and so in the account's logs. */
export const PRODUCT = "peppermill"

/** How one attempt is sent. `send` hands the command to the SDK's client. */
export interface SqsTransport {
  attempt<Output>(
    input: object,
    timeoutMs: number,
    send: (options?: { abortSignal: AbortSignal }) => Promise<Output>,
  ): Promise<Output>
  close(): void
}

/** An attempt that outlived its time. Named as the AWS SDK names its own. */
class TimedOut extends Error {
  override readonly name = "TimeoutError"
}

/** An answer that is not one of SQS. Carries nothing of it but its status, where the AWS SDK puts it. */
export class Unreadable extends Error {
  override readonly name = "UnreadableAnswer"
  readonly $metadata: { readonly httpStatusCode: number }

  constructor(message: string, httpStatusCode = 200) {
    super(message)
    this.$metadata = { httpStatusCode }
  }
}

/** One attempt under way, as seen by whoever has to free a connection when it is given up. */
export interface Attempt {
  /** Set once the attempt was given up. */
  reason: Error | null
  onGiveUp: (reason: Error) => void
}

/**
 * Run one attempt, for `timeoutMs` at most. However deep it hangs (credentials,
 * connection, headers, body), the promise settles in time.
 *
 * @throws TimedOut when it took longer; whatever `start` throws otherwise.
 */
export function withinTime<T>(timeoutMs: number, start: (attempt: Attempt) => Promise<T>): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const attempt: Attempt = { reason: null, onGiveUp: () => {} }
    const timer = setTimeout(() => {
      attempt.reason = new TimedOut(`no answer in ${timeoutMs} ms`)
      attempt.onGiveUp(attempt.reason)
      reject(attempt.reason)
    }, timeoutMs)
    start(attempt)
      .finally(() => clearTimeout(timer))
      .then(resolve, reject)
  })
}
