import type { Action } from "../action.ts"
import { keymap, placesOf } from "../keymap.ts"
import type { Model } from "../model.ts"

const WORDS: Readonly<Record<string, string>> = { "": "enter", esc: "esc", back: "esc", tab: "tab" }

/** What a line that was typed asks for; null when nothing. */
export function actionsOf(model: Model, line: string): readonly Action[] | null {
  const places = placesOf(model)
  const words = line.trim()
  if (places.includes("typing") && words !== "esc") {
    return [{ type: "delete", what: "all" }, { type: "insert", text: line }, { type: "open" }]
  }
  const item = /^#(\d+)$/.exec(words)
  if (item !== null && places.includes("list")) {
    const chosen: Action = { type: "select", index: Number(item[1]) - 1 }
    return places.includes("openable") ? [chosen, { type: "open" }] : [chosen]
  }
  if (words.length > 1 && words.startsWith("/") && places.includes("list")) {
    const typed = words.slice(1)
    return [
      { type: "filter" },
      { type: "delete", what: "all" },
      { type: "insert", text: typed },
      { type: "open" },
    ]
  }
  const action = keymap(places, WORDS[words] ?? words)
  return action === null ? null : [action]
}
