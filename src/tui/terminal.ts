import { UserError } from "../errors.ts"

/** How to draw on this terminal. */
export interface Drawing {
  readonly hasColour: boolean
  readonly isAscii: boolean
  /** Lines that are said once and never changed, instead of a screen that is redrawn. */
  readonly isLinear: boolean
}

export interface DrawingFlags {
  readonly color: boolean | undefined
  readonly ascii: boolean
  readonly screenReader: boolean
}

type Env = Readonly<Record<string, string | undefined>>

/**
 * How to draw, from flags and environment: what was asked for most plainly
 * wins. A flag, then NO_COLOR, FORCE_COLOR, CLICOLOR_FORCE, CLICOLOR=0, TERM.
 */
export function drawingFor(env: Env, flags: DrawingFlags): Drawing {
  const isDumb = env["TERM"] === "dumb"
  return {
    hasColour: flags.color ?? colourOf(env, isDumb),
    isAscii: flags.ascii || isDumb || env["TERM"] === "linux" || hasOtherCharset(env),
    isLinear: flags.screenReader || isDumb || isTrue(env["INK_SCREEN_READER"]),
  }
}

function colourOf(env: Env, isDumb: boolean): boolean {
  if ((env["NO_COLOR"] ?? "") !== "") return false
  const forced = env["FORCE_COLOR"]
  if (forced !== undefined) return forced !== "0" && forced !== "false"
  if ((env["CLICOLOR_FORCE"] ?? "0") !== "0") return true
  return env["CLICOLOR"] !== "0" && !isDumb
}

/** A locale that names a character set other than UTF-8. `C` names none, and says nothing of the terminal. */
function hasOtherCharset(env: Env): boolean {
  const locale = env["LC_ALL"] || env["LC_CTYPE"] || env["LANG"] || ""
  return /\.(?!utf-?8)/i.test(locale)
}

function isTrue(value: string | undefined): boolean {
  return value === "true" || value === "1"
}

/**
 * Refuse to start where nobody could read or answer.
 *
 * @throws UserError of kind `usage` when stdin or stdout is no terminal.
 */
export function requireTerminal(stdin: { isTTY?: boolean }, stdout: { isTTY?: boolean }): void {
  const what = stdin.isTTY ? (stdout.isTTY ? null : "output") : "input"
  if (what === null) return
  throw new UserError("usage", `the terminal UI needs a terminal, and the standard ${what} is none`, {
    hint: "peppermill --batch runs without one",
  })
}
