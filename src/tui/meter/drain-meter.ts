import { addEvent, type DrainEvent, NO_TOTALS } from "../../drain-event.ts"
import type { Counts } from "../../source/source.ts"
import type { Problem } from "../ports.ts"
import { createDepth } from "./depth.ts"
import { afterEvent, CONNECTING, type Doing, STOPPING } from "./drain-state.ts"
import { type DrainView, inHand } from "./drain-view.ts"
import { createHappenings } from "./happenings.ts"
import { createLatency } from "./latency.ts"
import { createRate } from "./rate.ts"

const OLDEST_FOR_MS = 10_000
const RATE_SECONDS = 5

/**
 * The fold of a run's events, outside React. Events change it in place, for
 * there may be thousands a second; `view` takes a picture of it.
 */
export interface DrainMeter {
  add(event: DrainEvent): void
  addCounts(counts: Counts): void
  /** The operator asked the run to stop; the drain's own event follows. */
  stopping(): void
  failed(problem: Problem): void
  view(): DrainView
}

export function createDrainMeter(now: () => number): DrainMeter {
  const startedMs = now()
  const receive = createLatency(startedMs)
  const commit = createLatency(startedMs)
  const remove = createLatency(startedMs)
  const settled = createRate(startedMs)
  const depth = createDepth()
  const happenings = createHappenings()
  let totals = NO_TOTALS
  let doing: Doing = CONNECTING
  let toDelete = 0
  let peak = 0
  let failure: Problem | null = null
  let oldest: { sentAtMs: number; seenMs: number } | null = null
  let end: Extract<DrainEvent, { type: "finished" }> | null = null
  let endedMs: number | null = null

  function measure(event: DrainEvent, nowMs: number): void {
    if (event.type === "received") {
      receive.add(event.durationMs, nowMs)
      const sentAtMs = event.oldestSentAtMs
      if (sentAtMs === null) return
      const isStale = oldest === null || nowMs - oldest.seenMs > OLDEST_FOR_MS
      if (isStale || sentAtMs <= (oldest?.sentAtMs ?? 0)) oldest = { sentAtMs, seenMs: nowMs }
    } else if (event.type === "stored") {
      const messages = event.stored + event.duplicates + event.quarantined
      commit.add(event.durationMs, nowMs)
      settled.add(messages, nowMs)
      toDelete += messages
    } else if (event.type === "acknowledged") {
      remove.add(event.durationMs, nowMs)
      toDelete = Math.max(0, toDelete - event.count - event.failed)
    } else if (event.type === "finished") {
      end = event
      endedMs = nowMs
    }
  }

  return {
    add(event) {
      const nowMs = now()
      totals = addEvent(totals, event)
      measure(event, nowMs)
      doing = afterEvent(doing, event, inHand(totals))
      happenings.add(event, nowMs)
    },
    addCounts(counts) {
      depth.add(counts, now())
    },
    stopping() {
      if (endedMs === null) doing = STOPPING
    },
    failed(problem) {
      doing = { state: "failed", note: null }
      failure = problem
      endedMs ??= now()
      happenings.say(problem.message, "bad", now())
    },
    view() {
      const atMs = now()
      const perSecond = settled.perSecond(atMs)
      const last = perSecond.slice(-RATE_SECONDS)
      const rate = last.length === 0 ? 0 : last.reduce((sum, n) => sum + n, 0) / last.length
      peak = Math.max(peak, perSecond.at(-1) ?? 0)
      return {
        doing,
        failure,
        totals,
        inHand: inHand(totals),
        toDelete,
        perSecond,
        rate: endedMs === null ? rate : 0,
        peak,
        stages: {
          receive: receive.quantiles(atMs),
          commit: commit.quantiles(atMs),
          delete: remove.quantiles(atMs),
        },
        depth: depth.latest,
        outlook: endedMs === null ? depth.outlook(atMs, rate) : { kind: "unknown" },
        oldestMs: oldest === null || atMs - oldest.seenMs > OLDEST_FOR_MS ? null : atMs - oldest.sentAtMs,
        happenings: happenings.list(),
        startedMs,
        endedMs,
        outcome: end?.outcome ?? (failure === null ? null : "failed"),
        heldByOthers: end?.heldByOthers ?? 0,
        atMs,
      }
    },
  }
}
