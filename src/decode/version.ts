/** The largest major that fits: packed versions live in a signed 32-bit column. */
const MAX_MAJOR = 2146

const VERSION = /^([0-9]+)(?:\.([0-9]+))?(?:\.([0-9]+))?$/

export type PackedVersion = number | "not-a-version" | "out-of-range"

/**
 * Pack one to three dot-separated numbers into `major * 10^6 + minor * 10^3 + patch`,
 * so that packed versions sort and differ as the versions do. Absent parts are 0,
 * and leading zeros do not count: 6.02 is 6.2, as in every version scheme.
 *
 * @returns The packed number, or why there is none: parts above 999 and majors above 2146 are out of range.
 */
export function packVersion(text: string): PackedVersion {
  const match = VERSION.exec(text)
  if (match === null) return "not-a-version"
  const [major, minor, patch] = [Number(match[1]), Number(match[2] ?? 0), Number(match[3] ?? 0)]
  if (major > MAX_MAJOR || minor > 999 || patch > 999) return "out-of-range"
  return major * 1_000_000 + minor * 1_000 + patch
}
