import type { Edit } from "./entry.ts"

export const SCREENS = ["drain", "quarantine", "recover", "audit", "doctor", "keys"] as const

export type Screen = (typeof SCREENS)[number]

/** What a key asks for. */
export type Action =
  | { readonly type: "show"; readonly screen: Screen }
  | { readonly type: "turn"; readonly by: 1 | -1 }
  | { readonly type: "help" | "log" | "redraw" }
  | { readonly type: "back" | "leave" }
  | { readonly type: "pause" | "again" | "demo" }
  | { readonly type: "move"; readonly by: number }
  | { readonly type: "page"; readonly by: 1 | -1 }
  | { readonly type: "jump"; readonly to: "top" | "bottom" }
  | { readonly type: "select"; readonly index: number }
  | { readonly type: "open" | "filter" }
  | { readonly type: "field"; readonly by: 1 | -1 }
  | Edit
