import type { Counts } from "../../source/source.ts"

/** The queue's counts are late by up to a minute: shorter trends are noise. */
const TREND_MS = 60_000

/** When the queue will be empty, as far as one can tell. */
export type Outlook =
  | { readonly kind: "unknown" | "empty" | "growing" }
  | { readonly kind: "in"; readonly ms: number }

export interface Depth {
  add(counts: Counts, nowMs: number): void
  readonly latest: { readonly counts: Counts; readonly atMs: number } | null
  /** @param perSecond - Messages we settle a second, for as long as the queue shows no trend. */
  outlook(nowMs: number, perSecond: number): Outlook
}

export function createDepth(): Depth {
  let samples: { counts: Counts; atMs: number }[] = []

  return {
    add(counts, nowMs) {
      samples = [...samples.filter((sample) => nowMs - sample.atMs <= TREND_MS), { counts, atMs: nowMs }]
    },
    get latest() {
      return samples.at(-1) ?? null
    },
    outlook(nowMs, perSecond) {
      const [first, last] = [samples[0], samples.at(-1)]
      if (first === undefined || last === undefined) return { kind: "unknown" }
      const waiting = last.counts.visible + last.counts.delayed
      if (waiting === 0) return { kind: "empty" }
      const spanMs = last.atMs - first.atMs
      const shrunk = first.counts.visible + first.counts.delayed - waiting
      // With a trend, producers are in it; without one, only our own rate is known.
      const perMs = spanMs >= TREND_MS / 4 ? shrunk / spanMs : perSecond / 1000
      if (perMs <= 0) return { kind: perSecond > 0 && spanMs >= TREND_MS / 4 ? "growing" : "unknown" }
      return { kind: "in", ms: Math.max(0, waiting / perMs - (nowMs - last.atMs)) }
    },
  }
}
