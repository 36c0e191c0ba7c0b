import type { Look } from "./look.ts"
import { ends, type Row, span } from "./spans.ts"

/** The head of a part of the screen: its name, a line, and what there is to say at the right. */
export function title(name: string, look: Look, width: number, right: Row = []): Row {
  const left = [span(name, "strong"), span(" ")]
  const note = right.length === 0 ? [] : [span(" "), ...right]
  return ends(left, note, width, look.rule)
}
