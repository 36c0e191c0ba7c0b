import type { Entry } from "../entry.ts"
import type { Look } from "./look.ts"
import { type Row, span } from "./spans.ts"

/** A line being typed. The caret is a letter of its own, so that it shows without colour too. */
export function typedRow(entry: Entry, isTyping: boolean, look: Look): Row {
  const { letters, at } = entry
  if (!isTyping) return [span(letters.join(""))]
  return [span(letters.slice(0, at).join("")), span(look.caret, "accent"), span(letters.slice(at).join(""))]
}
