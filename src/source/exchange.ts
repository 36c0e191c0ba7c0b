import type { Attempt } from "./sqs-call.ts"

export interface Answer {
  readonly statusCode: number
  readonly headers: Record<string, string>
  readonly body: Buffer
}

/** One HTTP request and its whole answer. */
export interface Exchange {
  post(
    path: string,
    headers: Record<string, string>,
    body: string,
    attempt: Attempt | undefined,
  ): Promise<Answer>
  close(): void
}

export interface ExchangeOptions {
  /** Scheme, host and port. */
  readonly origin: string
  readonly connectMs: number
  readonly ca?: string | undefined
}

/**
 * HTTP over undici's `dispatch`, its lowest layer: no stream, no abort signal
 * and no timer of its own for a request. Whoever calls bounds the attempt.
 */
export async function createExchange({ origin, connectMs, ca }: ExchangeOptions): Promise<Exchange> {
  const { Pool } = await import("undici")
  const pool = new Pool(origin, {
    // As many as there are callers: a delete must not wait for a long poll to end.
    connections: null,
    pipelining: 1,
    // SQS speaks HTTP/1.1 only.
    allowH2: false,
    headersTimeout: 0,
    bodyTimeout: 0,
    connect: { timeout: connectMs, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
  })

  return {
    post(path, headers, body, attempt) {
      return new Promise((resolve, reject) => {
        const chunks: Buffer[] = []
        let statusCode = 0
        let answered: Record<string, string> = {}
        pool.dispatch(
          { method: "POST", path, headers, body },
          {
            onRequestStart(controller) {
              if (attempt === undefined) return
              if (attempt.reason !== null) controller.abort(attempt.reason)
              attempt.onGiveUp = (reason) => controller.abort(reason)
            },
            onResponseStart(_controller, status, responseHeaders) {
              statusCode = status
              answered = responseHeaders as Record<string, string>
            },
            onResponseData(_controller, chunk) {
              chunks.push(chunk)
            },
            onResponseEnd() {
              const whole = chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks)
              resolve({ statusCode, headers: answered, body: whole })
            },
            onResponseError(_controller, error) {
              reject(error)
            },
          },
        )
      })
    },
    close: () => void pool.destroy().catch(() => {}),
  }
}
