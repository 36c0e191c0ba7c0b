import { addEvent, type DrainEvent, NO_TOTALS, type Totals } from "../drain-event.ts"
import { EXIT, exitCodeFor } from "../exit-code.ts"
import { type Summary, summarize } from "../summary.ts"
import { type MaxRejects, tooManyRejects } from "./max-rejects.ts"

export interface BatchResult {
  readonly summary: Summary
  readonly totals: Totals
  /** 0, 65, 75, or the failure's own; a signal's 130 or 143 is for the process edge to know. */
  readonly exitCode: number
  readonly failure: unknown
}

/** Fold a drain's events into its summary, showing each to `see` as well. */
export async function runBatch(
  events: AsyncIterable<DrainEvent>,
  options: {
    readonly maxRejects: MaxRejects
    readonly now: () => number
    readonly see: (event: DrainEvent) => void
  },
): Promise<BatchResult> {
  const startedMs = options.now()
  let totals = NO_TOTALS
  let finished: Extract<DrainEvent, { type: "finished" }> = {
    type: "finished",
    outcome: "failed",
    heldByOthers: 0,
  }
  let failure: unknown
  try {
    for await (const event of events) {
      totals = addEvent(totals, event)
      if (event.type === "finished") finished = event
      options.see(event)
    }
  } catch (error) {
    failure = error
  }
  const summary = summarize(totals, { ...finished, durationMs: options.now() - startedMs })
  return { summary, totals, exitCode: exitCode(summary, options.maxRejects, failure), failure }
}

function exitCode(summary: Summary, maxRejects: MaxRejects, failure: unknown): number {
  if (failure !== undefined) return exitCodeFor(failure)
  const rejected = Object.values(summary.rejections).reduce((sum, count) => sum + count, 0)
  if (tooManyRejects(maxRejects, rejected, summary.received)) return EXIT.data
  return summary.outcome === "empty" ? EXIT.ok : EXIT.unfinished
}
