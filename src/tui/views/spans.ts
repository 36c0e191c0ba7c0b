import stringWidth from "string-width"
import wrapAnsi from "wrap-ansi"
import { safe } from "../../safe.ts"

/** How a piece of text is meant. A tone repeats what the words say; it never says it alone. */
export type Tone = "plain" | "dim" | "strong" | "accent" | "good" | "warn" | "bad" | "chosen"

export interface Span {
  readonly text: string
  readonly tone?: Tone | undefined
}

/** One line of a screen, left to right. */
export type Row = readonly Span[]

export function span(text: string, tone?: Tone): Span {
  return { text, tone }
}

/** Make a row fit: every piece made safe, the last ones cut or dropped. */
export function fitted(row: Row, width: number, ellipsis: string): Row {
  const fitting: Span[] = []
  let left = width
  for (const { text, tone } of row) {
    if (left <= 0) break
    const shown = safe(text, left, ellipsis)
    left -= stringWidth(shown)
    if (shown !== "") fitting.push({ text: shown, tone })
  }
  return fitting
}

export function widthOf(row: Row): number {
  return row.reduce((sum, { text }) => sum + stringWidth(safe(text)), 0)
}

/** Text in a column of its own: safe, cut or filled to exactly `width`. */
export function cell(
  text: string,
  width: number,
  ellipsis: string,
  align: "left" | "right" = "left",
): string {
  const shown = safe(text, width, ellipsis)
  const fill = " ".repeat(Math.max(0, width - stringWidth(shown)))
  return align === "left" ? shown + fill : fill + shown
}

/** `left` and `right` at the two ends of a line, `filler` between. The right end gives way first. */
export function ends(left: Row, right: Row, width: number, filler = " "): Row {
  const free = width - widthOf(left) - widthOf(right)
  if (free < 1) return left
  return [...left, span(filler.repeat(free), "dim"), ...right]
}

/** Text in as many lines as it needs, broken between words where there are any. */
export function wrapped(text: string, width: number): readonly string[] {
  return wrapAnsi(safe(text), Math.max(1, width), { hard: true, trim: true }).split("\n")
}
