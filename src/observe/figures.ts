import type { DrainEvent } from "../drain-event.ts"
import { METRICS, type MetricKey } from "./metrics.ts"

/** Metrics with one figure at a time: all but the histograms, and what other commands count. */
export type FigureKey = Exclude<MetricKey, "batchRows" | "batchSeconds" | "recoveries">

/** The figure of each metric, by the value of its label; one that has none stands under "". */
export type Figures = Readonly<Record<FigureKey, Readonly<Record<string, number>>>>

/** One transaction. */
export interface BatchFigures {
  readonly rows: number
  readonly seconds: number
}

/** The fold of a drain's events into figures. Events change it in place, for there may be thousands a second. */
export interface Fold {
  see(event: DrainEvent): void
  /** Counters since the start, and gauges as they are now. They are the fold's own: copy what must not change. */
  figures(): Figures
  /** Call back on every batch, for histograms. */
  onBatch(listener: (batch: BatchFigures) => void): void
}

/** How long an age counts. Two halves of it are kept, so it may be half as long again. */
const AGE_FOR_MS = 60_000

export function createFold(now: () => number): Fold {
  const counts = emptyCounts()
  const listeners: ((batch: BatchFigures) => void)[] = []
  let paused = 0
  // The greatest age of this half of the time, and of the half before.
  let ages = { halfMs: Math.floor(now() / (AGE_FOR_MS / 2)), now: 0, before: 0 }

  function turn(): void {
    const halfMs = Math.floor(now() / (AGE_FOR_MS / 2))
    if (halfMs === ages.halfMs) return
    ages = { halfMs, now: 0, before: halfMs === ages.halfMs + 1 ? ages.now : 0 }
  }

  function add(key: keyof typeof counts, count: number, label = ""): void {
    const figures = counts[key]
    figures[label] = (figures[label] ?? 0) + count
  }

  function settled(): number {
    return [counts.stored, counts.duplicates, counts.quarantined, counts.left]
      .map(sum)
      .reduce((a, b) => a + b)
  }

  return {
    see(event) {
      switch (event.type) {
        case "received":
          add("received", event.count)
          if (event.oldestSentAtMs === null) return
          turn()
          ages.now = Math.max(ages.now, (now() - event.oldestSentAtMs) / 1000)
          return
        case "rejected":
          return add("rejected", 1, event.rejection.reason)
        case "stored": {
          add("stored", event.stored)
          add("duplicates", event.duplicates)
          add("quarantined", event.quarantined)
          add("vaultWrites", event.originals)
          const rows = event.stored + event.duplicates + event.quarantined
          for (const listener of listeners) listener({ rows, seconds: event.durationMs / 1000 })
          return
        }
        case "acknowledged":
          add("deleted", event.count)
          return add("deleteFailures", event.failed)
        case "left":
          return add("left", event.count, event.reason)
        case "retrying":
          return add("retries", 1, event.service)
        case "heartbeat":
          return add("lostHolds", event.lost)
        case "empty-poll":
          return add("emptyReceives", 1)
        case "paused":
        case "resumed":
          paused = event.type === "paused" ? 1 : 0
          return
        default:
          return
      }
    },
    figures() {
      turn()
      return {
        ...counts,
        inFlight: { "": Math.max(0, sum(counts.received) - settled()) },
        oldestMessageAge: { "": Math.max(0, ages.now, ages.before) },
        paused: { "": paused },
      }
    },
    onBatch: (listener) => void listeners.push(listener),
  }
}

type CounterKey = Exclude<FigureKey, "inFlight" | "oldestMessageAge" | "paused">

/** Every counter begins at 0, by each value of its label. */
function emptyCounts(): Record<CounterKey, Record<string, number>> {
  const keys = Object.entries(METRICS).flatMap(([key, metric]) => {
    if (metric.kind !== "counter" || "by" in metric) return []
    const labels: readonly string[] = "values" in metric ? metric.values : [""]
    return [[key, Object.fromEntries(labels.map((label) => [label, 0]))]]
  })
  return Object.fromEntries(keys)
}

/** A metric's figure, whatever its labels. */
export function sum(figures: Readonly<Record<string, number>>): number {
  let total = 0
  for (const label in figures) total += figures[label] ?? 0
  return total
}
