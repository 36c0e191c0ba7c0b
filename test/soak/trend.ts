/** The value in the middle. NaN of nothing. */
export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

/** How fast a series rises, per step: the line of least squares, and its standard error. */
export function trend(series: readonly number[]): { readonly rise: number; readonly error: number } {
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  const count = series.length
  const middle = (count - 1) / 2
  const mean = sum(series) / count
  const spread = sum(series.map((_, step) => (step - middle) ** 2))
  const rise = sum(series.map((value, step) => (step - middle) * (value - mean))) / spread
  const residue = sum(series.map((value, step) => (value - mean - rise * (step - middle)) ** 2))
  return { rise, error: Math.sqrt(residue / (count - 2) / spread) }
}
