/**
 * Values that must not be met again, and a searcher that knows them in disguise:
 * raw, in hex, in base64 at any of its three alignments, JSON-escaped and
 * URL-encoded.
 */

/**
 * What the personal values and secrets of the tests begin with, or are. What the
 * fixtures of most tests hold begins so (`canaries.test.ts` holds them to it), and
 * a test's own values may: whatever begins so is looked for by `tripwire.ts`
 * wherever a run can be seen, and in the server's log.
 */
export const CANARIES = {
  // RFC 5737's for documentation and RFC 2544's for benchmarks. 192.0.2.0/24 is left for addresses of no person.
  address: ["203.0.113.", "198.51.100.", "198.18."],
  device: ["canary-device"],
  /** Under a key of the body that the event's shape does not name. */
  unnamedKey: ["canary-unnamed-key"],
  maskKey: [
    "5f0e7c1d93b2a84856d1ce90b7a3f2146e8d0b59c7fa32e1d4860b9f15ac73e8",
    "0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20",
  ],
  databasePassword: ["canary-password"],
  awsSecret: ["canary-aws-secret"],
  sessionToken: ["canary-session-token"],
  identity: ["AGE-SECRET-KEY-1", "AGE-SECRET-KEY-PQ-1"],
} as const

export type Canary = keyof typeof CANARIES

/** Every way to write a text that some layer between us and a log might choose. */
export function formsOf(value: string): readonly string[] {
  const bytes = Buffer.from(value)
  const escaped = [...value].map((char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`).join("")
  const percent = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, "0")}`).join("")
  return [
    ...new Set([
      value,
      JSON.stringify(value).slice(1, -1),
      JSON.stringify(JSON.stringify(value)).slice(3, -3),
      escaped,
      encodeURIComponent(value),
      percent,
      percent.toUpperCase(),
      bytes.toString("hex"),
      bytes.toString("hex").toUpperCase(),
      Buffer.from(value, "utf16le").toString("latin1"),
      ...[0, 1, 2].flatMap((offset) => inBase64(bytes, offset)),
      ...(/^(?:[0-9a-f]{2}){16,}$/.test(value) ? formsOfKey(Buffer.from(value, "hex")) : []),
    ]),
  ]
}

/** Keys are written in hex, and meant as bytes. */
function formsOfKey(key: Buffer): readonly string[] {
  const inBuffer = [...key].map((byte) => byte.toString(16).padStart(2, "0")).join(" ")
  return [
    ...[0, 1, 2].flatMap((offset) => inBase64(key, offset)),
    inBuffer,
    key.join(","),
    JSON.stringify(new Uint8Array(key)),
  ]
}

/** Of base64, less than this is met by chance. */
const SHORTEST = 8

/** What base64 makes of the bytes when `offset` others stand before them, without what depends on its neighbours. */
function inBase64(bytes: Buffer, offset: number): readonly string[] {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes])
  const usable = whole.length - (whole.length % 3)
  const text = whole
    .subarray(0, usable)
    .toString("base64")
    .slice(offset === 0 ? 0 : 4)
  return text.length < SHORTEST ? [] : [text, text.replaceAll("+", "-").replaceAll("/", "_")]
}

/** What was caught in one place. */
export interface Caught {
  /** `stdout`, `server log` … */
  readonly channel: string
  /** The command, or what else it came from. */
  readonly from: string
  readonly text: string
}

/** @returns What finds the names of the values that a text holds in any form. */
export function finderOf(canaries: Readonly<Record<string, readonly string[]>>) {
  const forms = Object.entries(canaries).map(([name, values]) => [name, values.flatMap(formsOf)] as const)
  // One look at a text that holds none, as most do: a server's log is long.
  const any = new RegExp(
    forms.flatMap(([, all]) => all.map((form) => form.replace(/[.*+?^${}()|[\]\\]/g, "\\$&"))).join("|"),
  )
  return (text: string): readonly string[] =>
    any.test(text)
      ? forms.filter(([, all]) => all.some((form) => text.includes(form))).map(([name]) => name)
      : []
}

/** @returns A line for each value that is met in one of the texts. */
export function search(
  caught: readonly Caught[],
  canaries: Readonly<Record<string, readonly string[]>>,
  isAllowed: (canary: string, caught: Caught) => boolean = () => false,
): readonly string[] {
  const find = finderOf(canaries)
  return caught.flatMap((one) =>
    find(one.text)
      .filter((name) => !isAllowed(name, one))
      .map((name) => `${name} in ${one.channel} of ${one.from}`),
  )
}
