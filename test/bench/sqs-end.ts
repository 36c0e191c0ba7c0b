import { fork } from "node:child_process"
import type { Repeats } from "./logins.ts"

export interface EndOptions {
  /** `stub`: next to free, and not much of a queue. `fauxqs`: realistic, and slow. */
  readonly kind: "stub" | "fauxqs"
  readonly seed: string
  readonly count: number
  readonly repeats: Repeats
  /** Each way; the stub only. */
  readonly delayMs: number
}

export type EndReport =
  | { readonly url: string; readonly endpoint: string; readonly region: string }
  | { readonly deleted: number }

/** An SQS in a process of its own, and word of how far its queue is drained. */
export interface SqsEnd {
  readonly url: string
  readonly endpoint: string
  readonly region: string
  /** Resolves with the count once at least so many messages are deleted. */
  deleted(atLeast: number): Promise<number>
  close(): void
}

export async function startSqsEnd(options: EndOptions): Promise<SqsEnd> {
  const child = fork(new URL("./sqs-end-process.ts", import.meta.url), { execArgv: [] })
  let deleted = 0
  let waiting: { atLeast: number; resolve: (count: number) => void }[] = []
  const place = await new Promise<Exclude<EndReport, { deleted: number }>>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the SQS end is gone: exit status ${code}`)))
    child.on("message", (report: EndReport) => {
      if ("url" in report) return resolve(report)
      deleted = report.deleted
      for (const one of waiting) if (deleted >= one.atLeast) one.resolve(deleted)
      waiting = waiting.filter(({ atLeast }) => deleted < atLeast)
    })
    child.send(options)
  })
  return {
    ...place,
    deleted: (atLeast) =>
      deleted >= atLeast
        ? Promise.resolve(deleted)
        : new Promise((resolve) => waiting.push({ atLeast, resolve })),
    close: () => child.disconnect(),
  }
}
