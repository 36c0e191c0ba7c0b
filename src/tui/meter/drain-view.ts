import type { Outcome, Totals } from "../../drain-event.ts"
import type { Counts } from "../../source/source.ts"
import type { Problem } from "../ports.ts"
import type { Outlook } from "./depth.ts"
import type { Doing } from "./drain-state.ts"
import type { Happening } from "./happenings.ts"
import type { Quantiles } from "./latency.ts"

/** A run as a person wants to see it: counts, times and our own words. */
export interface DrainView {
  readonly doing: Doing
  readonly failure: Problem | null
  readonly totals: Totals
  /** Received and not settled yet. */
  readonly inHand: number
  /** Committed, and not yet deleted from the queue. */
  readonly toDelete: number
  /** Messages settled in each of the last seconds, oldest first; whole seconds only. */
  readonly perSecond: readonly number[]
  /** Messages a second over the last five seconds. */
  readonly rate: number
  /** The best second. */
  readonly peak: number
  readonly stages: Readonly<Record<Stage, Quantiles | null>>
  readonly depth: { readonly counts: Counts; readonly atMs: number } | null
  readonly outlook: Outlook
  /** Age of the oldest message received in the last seconds. */
  readonly oldestMs: number | null
  /** Newest first. */
  readonly happenings: readonly Happening[]
  readonly startedMs: number
  readonly endedMs: number | null
  readonly outcome: Outcome | null
  readonly heldByOthers: number
  readonly atMs: number
}

export type Stage = "receive" | "commit" | "delete"

export function inHand(totals: Totals): number {
  const { received, stored, duplicates, quarantined, left } = totals
  return Math.max(0, received - stored - duplicates - quarantined - left)
}
