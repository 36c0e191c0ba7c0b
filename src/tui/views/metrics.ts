import { count, duration, latency, roughly } from "../format.ts"
import type { DrainView } from "../meter/drain-view.ts"
import type { Quantiles } from "../meter/latency.ts"
import type { Look } from "./look.ts"
import { cell, type Row, span, type Tone } from "./spans.ts"
import { title } from "./title.ts"

/** Figures under a head, `rows` lines high. */
export type Block = (view: DrainView, width: number, look: Look) => readonly Row[]

/** Every block is this high, so that they stand side by side. */
export const BLOCK_ROWS = 7

const NONE = "-"

function figure(label: string, value: string, width: number, look: Look, tone: Tone = "plain"): Row {
  const labelWidth = Math.min(label.length, Math.max(0, width - value.length - 1))
  const shown = cell(label, labelWidth, look.ellipsis)
  return [span(shown, "dim"), span(cell(value, width - labelWidth, look.ellipsis, "right"), tone)]
}

function when(isSo: boolean, tone: Tone): Tone {
  return isSo ? tone : "plain"
}

/** Where the messages of this run went. The first line is the sum of the others. */
export const messages: Block = ({ totals, inHand }, width, look) => [
  title("Messages", look, width),
  figure("received", count(totals.received), width, look, "strong"),
  figure("= stored", count(totals.stored), width, look, when(totals.stored > 0, "good")),
  figure("+ duplicates", count(totals.duplicates), width, look),
  figure("+ quarantined", count(totals.quarantined), width, look, when(totals.quarantined > 0, "warn")),
  figure("+ left in queue", count(totals.left), width, look, when(totals.left > 0, "warn")),
  figure("+ in hand", count(inHand), width, look),
]

export const queue: Block = ({ depth, oldestMs, outlook, toDelete }, width, look) => {
  const counts = depth?.counts
  return [
    title("Queue", look, width),
    figure("waiting", counts === undefined ? NONE : count(counts.visible), width, look, "strong"),
    figure("in flight", counts === undefined ? NONE : count(counts.inFlight), width, look),
    figure("delayed", counts === undefined ? NONE : count(counts.delayed), width, look),
    figure("to delete", count(toDelete), width, look),
    figure("oldest message", oldestMs === null ? NONE : roughly(oldestMs), width, look),
    figure("empty in", OUTLOOKS[outlook.kind](outlook.kind === "in" ? outlook.ms : 0), width, look),
  ]
}

const OUTLOOKS: Record<DrainView["outlook"]["kind"], (ms: number) => string> = {
  unknown: () => NONE,
  empty: () => "now",
  growing: () => "it grows",
  in: (ms) => `about ${roughly(ms)}`,
}

export const stages: Block = ({ stages: { receive, commit, delete: remove } }, width, look) => {
  const columns = width >= 32 ? 3 : 2
  const column = Math.max(6, Math.floor((width - 7) / columns))
  const line = (label: string, values: readonly string[], tone?: Tone): Row => [
    span(cell(label, width - columns * column, look.ellipsis), "dim"),
    ...values.slice(0, columns).map((value) => span(cell(value, column, look.ellipsis, "right"), tone)),
  ]
  const stage = (label: string, quantiles: Quantiles | null): Row =>
    quantiles === null
      ? line(label, [NONE, NONE, NONE])
      : line(label, [latency(quantiles.p50), latency(quantiles.p99), quantiles.busy.toFixed(1)])
  return [
    title("Stages", look, width),
    line("", ["p50", "p99", "at once"], "dim"),
    stage("receive", receive),
    stage("commit", commit),
    stage("delete", remove),
    [],
    figure("batches in flight", commit === null ? NONE : commit.busy.toFixed(1), width, look),
  ]
}

/** Why messages were refused, the most frequent reason first. */
export function refusals(view: DrainView, width: number, rows: number, look: Look): readonly Row[] {
  const reasons = Object.entries(view.totals.rejections).sort(([, a], [, b]) => b - a)
  const lines: readonly Row[] =
    reasons.length === 0
      ? [[span("nothing so far", "dim")]]
      : reasons.map(([reason, amount]) => figure(reason, count(amount), width, look, "warn"))
  return [title("Refused, by reason", look, width), ...lines].slice(0, Math.max(0, rows))
}

export const run: Block = (view, width, look) => {
  const elapsedMs = (view.endedMs ?? view.atMs) - view.startedMs
  const settled = view.totals.stored + view.totals.duplicates + view.totals.quarantined
  const refused = Object.values(view.totals.rejections).reduce((sum, n) => sum + n, 0)
  return [
    title("Run", look, width),
    figure("time", duration(elapsedMs), width, look, "strong"),
    figure("mean rate", `${count((settled * 1000) / Math.max(1000, elapsedMs))}/s`, width, look),
    figure("best second", `${count(view.peak)}/s`, width, look),
    figure("originals sealed", count(view.totals.originals), width, look),
    figure("refused", count(refused), width, look, when(refused > 0, "warn")),
    figure("retries", count(view.totals.retried), width, look, when(view.totals.retried > 0, "warn")),
  ]
}
