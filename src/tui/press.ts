import type { Key } from "ink"

/**
 * A key by the name the keymap uses: `a`, `G`, `ctrl+c`, `up`, `shift+tab`,
 * `enter`. Null for what is no key of ours.
 */
export type KeyName = string

/** What arrived at once, key by key: fast typing and slow links bring several in one chunk. */
export function presses(input: string, key: Key): readonly KeyName[] {
  if (key.eventType === "release") return []
  const special = specialName(key)
  if (special !== null) return [special]
  if (key.ctrl) return input === "" ? [] : [`ctrl+${input.toLowerCase()}`]
  // Alt and the like carry no letter that anyone meant to type.
  if (key.meta || key.super || key.hyper) return []
  return [...input].map(letterName)
}

/** A character as it came among others, where ink does not say which key it was. */
function letterName(letter: string): KeyName {
  if (letter === "\r" || letter === "\n") return "enter"
  if (letter === "\t") return "tab"
  if (letter === "\b" || letter === "\x7f") return "backspace"
  const code = letter.codePointAt(0) as number
  return code >= 1 && code <= 26 ? `ctrl+${String.fromCharCode(code + 96)}` : letter
}

function specialName(key: Key): KeyName | null {
  if (key.upArrow) return "up"
  if (key.downArrow) return "down"
  if (key.leftArrow) return "left"
  if (key.rightArrow) return "right"
  if (key.pageUp) return "pageup"
  if (key.pageDown) return "pagedown"
  if (key.home) return "home"
  if (key.end) return "end"
  if (key.return) return "enter"
  if (key.escape) return "esc"
  if (key.tab) return key.shift ? "shift+tab" : "tab"
  if (key.backspace) return "backspace"
  return key.delete ? "delete" : null
}

/** Whether a key name is a letter to type. */
export function isLetter(name: KeyName): boolean {
  return [...name].length === 1 && !/\p{Cc}/u.test(name)
}
