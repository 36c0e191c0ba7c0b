import { type Action, SCREENS, type Screen } from "./action.ts"
import type { KeyName } from "./press.ts"

/** What holds where the keys go now. A binding works where one of its places holds. */
export type Place =
  | "everywhere"
  | "browsing"
  | "overlay"
  | "list"
  | "scroll"
  | "openable"
  | "opened"
  | "running"
  | "ended"
  | "filter"
  | "typing"
  | "form"
  | "confirm"
  | "unconfigured"
  | Screen

export interface Binding {
  readonly keys: Readonly<Record<KeyName, Action>>
  readonly in: readonly Place[]
  /** The keys as a person reads them. */
  readonly shown: string
  readonly does: string
  /** One word for the footer, where there is room for the few that matter most. */
  readonly footer?: string
  /** Left out of the footer first. */
  readonly isMinor?: boolean
}

const screenKeys = Object.fromEntries(
  SCREENS.map((screen, at): [string, Action] => [String(at + 1), { type: "show", screen }]),
)

/** Every key there is. The footer, the `?` page and the README's table are made of it. */
export const BINDINGS: readonly Binding[] = [
  {
    keys: { p: { type: "pause" } },
    in: ["running"],
    shown: "p",
    does: "pause the intake, or take in messages again",
    footer: "pause",
  },
  {
    keys: { d: { type: "demo" } },
    in: ["unconfigured"],
    shown: "d",
    does: "leave, and run the demo: an embedded queue and database",
    footer: "demo",
  },
  {
    keys: { enter: { type: "open" } },
    in: ["recover"],
    shown: "Enter",
    does: "go on with the next step of a recovery",
    footer: "next step",
  },
  {
    keys: { enter: { type: "open" } },
    in: ["form", "confirm"],
    shown: "Enter",
    does: "in a form: the next field, then on",
    footer: "next",
  },
  {
    keys: { tab: { type: "field", by: 1 }, down: { type: "field", by: 1 } },
    in: ["form"],
    shown: "Tab Down",
    does: "in a form: the next field",
    footer: "field",
  },
  {
    keys: { "shift+tab": { type: "field", by: -1 }, up: { type: "field", by: -1 } },
    in: ["form"],
    shown: "Shift+Tab Up",
    does: "in a form: the field before",
  },
  {
    keys: { j: { type: "move", by: 1 }, down: { type: "move", by: 1 } },
    in: ["scroll"],
    shown: "j Down",
    does: "down",
  },
  {
    keys: { k: { type: "move", by: -1 }, up: { type: "move", by: -1 } },
    in: ["scroll"],
    shown: "k Up",
    does: "up",
  },
  {
    keys: { pagedown: { type: "page", by: 1 }, " ": { type: "page", by: 1 } },
    in: ["scroll"],
    shown: "PgDn Space",
    does: "a page down",
  },
  {
    keys: { pageup: { type: "page", by: -1 } },
    in: ["scroll"],
    shown: "PgUp",
    does: "a page up",
  },
  {
    keys: { g: { type: "jump", to: "top" }, home: { type: "jump", to: "top" } },
    in: ["scroll"],
    shown: "g Home",
    does: "to the top",
  },
  {
    keys: { G: { type: "jump", to: "bottom" }, end: { type: "jump", to: "bottom" } },
    in: ["scroll"],
    shown: "G End",
    does: "to the end",
  },
  {
    keys: { enter: { type: "open" } },
    in: ["openable"],
    shown: "Enter",
    does: "open what is chosen",
    footer: "open",
  },
  {
    keys: { "/": { type: "filter" } },
    in: ["list"],
    shown: "/",
    does: "narrow the list to lines that hold every word typed",
    footer: "filter",
    isMinor: true,
  },
  {
    keys: { enter: { type: "open" } },
    in: ["filter"],
    shown: "Enter",
    does: "in a filter: keep it",
    footer: "keep",
  },
  {
    keys: { r: { type: "again" } },
    in: ["quarantine", "audit", "doctor", "keys"],
    shown: "r",
    does: "ask again",
    footer: "refresh",
    isMinor: true,
  },
  {
    keys: { r: { type: "again" } },
    in: ["ended"],
    shown: "r",
    does: "after the end of a run: drain again",
    footer: "drain again",
  },
  {
    keys: { esc: { type: "back" } },
    in: ["opened", "typing", "overlay"],
    shown: "Esc",
    does: "back: out of a form, a filter, a page; it never leaves",
    footer: "back",
  },
  {
    keys: { q: { type: "back" } },
    in: ["overlay"],
    shown: "q",
    does: "close this page",
  },
  {
    keys: screenKeys,
    in: ["browsing"],
    shown: "1-6",
    does: "go to a screen",
  },
  {
    keys: { tab: { type: "turn", by: 1 }, "shift+tab": { type: "turn", by: -1 } },
    in: ["browsing"],
    shown: "Tab Shift+Tab",
    does: "the next screen, the one before",
    footer: "screen",
    isMinor: true,
  },
  {
    keys: { l: { type: "log" } },
    in: ["browsing", "overlay"],
    shown: "l",
    does: "what libraries warned about",
  },
  {
    keys: { "?": { type: "help" } },
    in: ["browsing", "overlay"],
    shown: "?",
    does: "all keys",
    footer: "help",
  },
  {
    keys: { q: { type: "leave" } },
    in: ["browsing"],
    shown: "q",
    does: "finish the batch in hand and leave; again: leave now",
    footer: "leave",
  },
  {
    keys: { "ctrl+c": { type: "leave" } },
    in: ["everywhere"],
    shown: "Ctrl+C",
    does: "the same as q, while typing too",
  },
  {
    keys: { "ctrl+l": { type: "redraw" } },
    in: ["everywhere"],
    shown: "Ctrl+L",
    does: "draw the screen anew, if something else wrote on it",
  },
  {
    keys: {
      left: { type: "caret", to: "left" },
      right: { type: "caret", to: "right" },
      home: { type: "caret", to: "start" },
      "ctrl+a": { type: "caret", to: "start" },
      end: { type: "caret", to: "end" },
      "ctrl+e": { type: "caret", to: "end" },
    },
    in: ["typing"],
    shown: "Left Right Home End",
    does: "while typing: move the caret (Ctrl+A and Ctrl+E too)",
  },
  {
    keys: {
      backspace: { type: "delete", what: "before" },
      delete: { type: "delete", what: "after" },
      "ctrl+w": { type: "delete", what: "word" },
      "ctrl+u": { type: "delete", what: "all" },
    },
    in: ["typing"],
    shown: "Backspace Delete",
    does: "while typing: remove a letter (Ctrl+W a word, Ctrl+U all)",
  },
]
