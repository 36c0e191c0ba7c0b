/** Seconds a column of the chart may stand for. */
const SPANS = [1, 2, 3, 5, 10] as const

/** The chart reaches back at least this far, where there is room. */
const REACH_SECONDS = 120

/** How many seconds one column stands for, so that `columns` of them reach back two minutes. */
export function secondsPerColumn(columns: number): number {
  return SPANS.find((seconds) => columns * seconds >= REACH_SECONDS) ?? 10
}

/**
 * The mean of every `span` seconds, as the last `columns` values. Groups are
 * aligned to the clock, so that a bar keeps its height as it wanders left.
 *
 * @param perSecond - Whole seconds, oldest first.
 * @param endSecond - The second after the last one.
 */
export function resampled(
  perSecond: readonly number[],
  endSecond: number,
  columns: number,
  span: number,
): readonly number[] {
  const groups: number[] = []
  let end = perSecond.length - (endSecond % span)
  for (; end > 0 && groups.length < columns; end -= span) {
    const group = perSecond.slice(Math.max(0, end - span), end)
    groups.unshift(group.reduce((sum, n) => sum + n, 0) / span)
  }
  return groups
}

/**
 * Bars, as `rows` lines from the top, the newest at the right edge. Anything
 * above nothing shows as at least the lowest level.
 *
 * @param levels - Heights of a bar within one cell, from nothing to full.
 */
export function bars(
  values: readonly number[],
  columns: number,
  rows: number,
  levels: readonly string[],
): readonly string[] {
  const steps = levels.length - 1
  const top = Math.max(...values, 1)
  const heights = values.map((value) =>
    value > 0 ? Math.max(1, Math.round((value / top) * rows * steps)) : 0,
  )
  return Array.from({ length: rows }, (_, row) => {
    const below = (rows - 1 - row) * steps
    const cells = heights.map((height) => levels[Math.min(steps, Math.max(0, height - below))] as string)
    return cells.join("").padStart(columns)
  })
}
