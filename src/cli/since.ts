import { UserError } from "../errors.ts"

const UNIT_MS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/**
 * A point in time: a date or a date and time (UTC unless it says otherwise), or so many
 * minutes, hours or days before now.
 *
 * @returns Milliseconds since the epoch.
 * @throws UserError of kind `usage` for anything else.
 */
export function parseSince(text: string, nowMs: number): number {
  const ago = /^([0-9]{1,6})([mhd])$/.exec(text)
  if (ago !== null) return nowMs - Number(ago[1]) * UNIT_MS[ago[2] as keyof typeof UNIT_MS]
  const time =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:[T ]([0-9]{2}:[0-9]{2}(?::[0-9]{2})?)(Z|[+-][0-9]{2}:[0-9]{2})?)?$/.exec(
      text,
    )
  const ms = time === null ? Number.NaN : Date.parse(`${time[1]}T${time[2] ?? "00:00"}${time[3] ?? "Z"}`)
  if (Number.isNaN(ms)) {
    throw new UserError("usage", "--since: is no time", {
      hint: "write 2026-11-01, 2026-11-01T08:00Z, or 90m, 24h, 7d",
    })
  }
  return ms
}
