import type { Outcome, Totals } from "./drain-event.ts"

/** What a batch came to: the one object of `--json`. */
export interface Summary {
  readonly schema: 1
  readonly received: number
  readonly stored: number
  readonly duplicates: number
  readonly quarantined: number
  /** Received, and still in the queue by our choice. */
  readonly left: number
  /** Attempts that failed and were made again. */
  readonly retried: number
  readonly durationMs: number
  readonly messagesPerSecond: number
  readonly outcome: Outcome
  /** Messages that other consumers still held when we stopped. */
  readonly heldByOthers: number
  readonly rejections: Readonly<Record<string, number>>
}

export function summarize(
  totals: Totals,
  ended: { readonly outcome: Outcome; readonly heldByOthers: number; readonly durationMs: number },
): Summary {
  const { received, stored, duplicates, quarantined, left, retried, rejections } = totals
  const { outcome, heldByOthers, durationMs } = ended
  const settled = stored + duplicates + quarantined
  return {
    schema: 1,
    received,
    stored,
    duplicates,
    quarantined,
    left,
    retried,
    durationMs,
    messagesPerSecond: durationMs === 0 ? 0 : Math.round((settled * 1000) / durationMs),
    outcome,
    heldByOthers,
    rejections,
  }
}

const OUTCOME_WORDS: Record<Outcome, string> = {
  empty: "the queue is empty",
  bounded: "stopped at the bound that was set",
  stopped: "stopped before the queue was empty",
  failed: "stopped by a failure",
}

const number = new Intl.NumberFormat("en-US")

/** The summary in words: one line of result, one line a reason. */
export function summaryText(summary: Summary): string {
  const count = (what: string, value: number) => `  ${what.padEnd(12)}${number.format(value).padStart(12)}`
  const lines = [
    `${OUTCOME_WORDS[summary.outcome]} after ${(summary.durationMs / 1000).toFixed(1)} s, ${number.format(summary.messagesPerSecond)} messages/s`,
    count("received", summary.received),
    count("stored", summary.stored),
    count("duplicates", summary.duplicates),
    count("quarantined", summary.quarantined),
    count("left", summary.left),
  ]
  if (summary.retried > 0) lines.push(count("retried", summary.retried))
  const rejections = Object.entries(summary.rejections).sort(([, a], [, b]) => b - a)
  if (rejections.length > 0) lines.push("  rejected:")
  for (const [reason, value] of rejections)
    lines.push(`    ${reason.padEnd(16)}${number.format(value).padStart(6)}`)
  if (summary.heldByOthers > 0) {
    lines.push(`  other consumers still hold ${number.format(summary.heldByOthers)} messages of this queue`)
  }
  return `${lines.join("\n")}\n`
}
