import { createContext, useContext } from "react"
import type { Drawing } from "../terminal.ts"

/** The marks a screen is drawn with. */
export interface Look {
  readonly hasColour: boolean
  /** Heights of a column within one cell, from nothing to full. */
  readonly levels: readonly string[]
  readonly dot: string
  readonly rule: string
  readonly pointer: string
  readonly arrow: string
  readonly ellipsis: string
  readonly caret: string
  readonly between: string
  readonly to: string
}

const UNICODE = {
  levels: [..." ▁▂▃▄▅▆▇█"],
  dot: "●",
  rule: "─",
  pointer: "›",
  arrow: "→",
  ellipsis: "…",
  caret: "▏",
  between: "·",
  to: "–",
}

const ASCII: typeof UNICODE = {
  levels: [..." _.-+*#"],
  dot: "*",
  rule: "-",
  pointer: ">",
  arrow: "->",
  ellipsis: "~",
  caret: "|",
  between: ",",
  to: "-",
}

export function lookFor(drawing: Pick<Drawing, "hasColour" | "isAscii">): Look {
  return { hasColour: drawing.hasColour, ...(drawing.isAscii ? ASCII : UNICODE) }
}

export const LookContext = createContext<Look>(lookFor({ hasColour: true, isAscii: false }))

export const useLook = () => useContext(LookContext)
