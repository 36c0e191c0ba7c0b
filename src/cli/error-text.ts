import { UserError } from "../errors.ts"
import { safe } from "../safe.ts"

/**
 * An error in words for the terminal: what happened, and what to do.
 *
 * Of an error nobody foresaw only the class, the code and the places are told:
 * its message may repeat the data that caused it.
 */
export function errorText(error: unknown): string {
  if (error instanceof UserError) {
    const hint = error.hint === undefined ? "" : prefixed("peppermill: hint: ", error.hint)
    return prefixed("peppermill: ", error.message) + hint
  }
  const name = error instanceof Error ? error.constructor.name : typeof error
  const code =
    error instanceof Error && "code" in error && typeof error.code === "string" ? ` (${error.code})` : ""
  const places =
    error instanceof Error ? (error.stack ?? "").split("\n").filter((line) => /^\s+at /.test(line)) : []
  return (
    `peppermill: a bug in peppermill: ${safe(name)}${safe(code)}\n` +
    places.map((line) => `${safe(line)}\n`).join("") +
    "peppermill: hint: please report the lines above; nothing was acknowledged that was not stored\n"
  )
}

function prefixed(prefix: string, text: string): string {
  return text
    .split("\n")
    .map((line) => `${prefix}${safe(line)}\n`)
    .join("")
}
