/**
 * Values that must not be met again, and a searcher that knows them in disguise:
 * raw, in hex, in base64 at any of its three alignments, JSON-escaped and
 * URL-encoded.
 */

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
    ]),
  ]
}

/** What base64 makes of the bytes when `offset` others stand before them, without what depends on its neighbours. */
function inBase64(bytes: Buffer, offset: number): readonly string[] {
  const whole = Buffer.concat([Buffer.alloc(offset), bytes])
  const usable = whole.length - (whole.length % 3)
  const text = whole
    .subarray(0, usable)
    .toString("base64")
    .slice(offset === 0 ? 0 : 4)
  return [text, text.replaceAll("+", "-").replaceAll("/", "_")]
}

/** What was caught in one place. */
export interface Caught {
  /** `stdout`, `server log` … */
  readonly channel: string
  /** The command, or what else it came from. */
  readonly from: string
  readonly text: string
}

/** @returns A line for each value that is met in one of the texts. */
export function search(
  caught: readonly Caught[],
  canaries: Readonly<Record<string, readonly string[]>>,
  isAllowed: (canary: string, caught: Caught) => boolean = () => false,
): readonly string[] {
  const forms = Object.entries(canaries).map(
    ([name, values]) => [name, values.flatMap((value) => formsOf(value))] as const,
  )
  return caught.flatMap((one) =>
    forms
      .filter(([name]) => !isAllowed(name, one))
      .filter(([, all]) => all.some((form) => one.text.includes(form)))
      .map(([name]) => `${name} in ${one.channel} of ${one.from}`),
  )
}
