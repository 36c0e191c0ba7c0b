/** The value in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/**
 * How fast a series rises, per step: the median of the slopes between all pairs
 * (Theil and Sen). A few outliers, such as the garbage collector makes, do not move it.
 */
export function trend(series: readonly number[]): number {
  return median(series.flatMap((from, i) => series.slice(i + 1).map((to, j) => (to - from) / (j + 1))))
}
