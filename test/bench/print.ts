import type { Compared } from "./compare.ts"
import type { Plan } from "./plan.ts"
import type { Scaled } from "./scale.ts"
import type { StartUp } from "./start-up.ts"
import type { Spread } from "./statistics.ts"
import type { Storage } from "./storage.ts"

/** Columns as wide as their widest cell: the first to the left, figures to the right. */
function table(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]?.length ?? 0)))
  return rows
    .map((row) =>
      row.map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0))),
    )
    .map((row) => `${row.join("  ").trimEnd()}\n`)
    .join("")
}

export function comparedText(results: readonly Compared[]): string {
  const times = (value: number | null) => (value === null ? "" : `${value.toFixed(1)}×`)
  return table([
    ["", "messages/s", "CPU µs/message", "PostgreSQL µs/row", "peak MB", "naive", "8 consumers"],
    ...results.map((one) => [
      one.what,
      spreadText(one.perSecond, 0),
      spreadText(one.cpu, 1),
      spreadText(one.databaseCpu, 1),
      spreadText(one.peakMb, 0),
      times(one.timesNaive),
      times(one.timesConsumers),
    ]),
  ])
}

export function startUpText(results: readonly StartUp[]): string {
  return table([
    ["", "wall ms", "CPU ms", "peak MB"],
    ...results.map((one) => [
      one.args,
      spreadText(one.wallMs, 0),
      spreadText(one.cpuMs, 0),
      spreadText(one.peakMb, 0),
    ]),
  ])
}

export function storageText({ rows, width, emptyCpu, fullCpu, ratio, lookUps }: Storage): string {
  const inserts = table([
    [`PostgreSQL µs/row, by ${width}`, "empty", `${rows} rows`, "ratio"],
    ["insert", spreadText(emptyCpu, 1), spreadText(fullCpu, 1), `${ratio.toFixed(2)}×`],
  ])
  return lookUps.reduce(
    (text, { by, ms, plan }) => `${text}\nlook-up by ${by}: ${spreadText(ms, 2)} ms\n${plan}\n`,
    inserts,
  )
}

export function scaledText(results: readonly Scaled[]): string {
  return table([
    ["processes", "messages/s", "CPU µs/message", "PostgreSQL µs/row"],
    ...results.map((one) => [
      `${one.processes}`,
      spreadText(one.perSecond, 0),
      spreadText(one.cpu, 1),
      spreadText(one.databaseCpu, 1),
    ]),
  ])
}

export function planText(results: readonly Plan[]): string {
  const columns = [
    "workers",
    "each/s",
    "bound by",
    "in flight",
    "database cores",
    "$/hour for SQS",
    "lag ms",
    "after a burst",
  ]
  return table([
    columns,
    ...results.map((one) => [
      `${one.workers}`,
      one.perSecondEach.toFixed(0),
      one.bound,
      one.inFlight.toFixed(0),
      one.databaseCores.toFixed(1),
      one.dollarsPerHour.toFixed(2),
      one.lagMs.toFixed(0),
      one.burstLagMs.toFixed(0),
    ]),
  ])
}

/** `median (lowest to highest)` */
function spreadText({ median, low, high }: Spread, digits: number): string {
  return `${median.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`
}
