const RFC3339 = /^(\d{4}-\d{2}-\d{2})[Tt](\d{2}:\d{2}:\d{2})(?:\.(\d{1,6}))?([Zz]|[+-]\d{2}:\d{2})$/

/**
 * An RFC 3339 date-time in UTC, to the microsecond (what PostgreSQL keeps), with
 * no trailing zeros in the fraction, so that one instant has one text.
 *
 * @returns The canonical text, or null: no zone, no such day, leap second, finer than a microsecond.
 */
export function canonicalTimestamp(text: string): string | null {
  const match = RFC3339.exec(text)
  if (match === null) return null
  const [, date = "", time = "", fraction = "", zone = ""] = match
  const local = new Date(`${date}T${time}Z`)
  // Date turns 30 February into 2 March; the round trip shows it.
  if (Number.isNaN(local.getTime()) || local.toISOString().slice(0, 19) !== `${date}T${time}`) return null
  const instant = new Date(`${date}T${time}${zone.toUpperCase()}`)
  if (Number.isNaN(instant.getTime())) return null
  const seconds = instant.toISOString().slice(0, -5)
  if (seconds.length !== 19) return null
  const microseconds = fraction.replace(/0+$/, "")
  return `${seconds}${microseconds === "" ? "" : `.${microseconds}`}Z`
}
