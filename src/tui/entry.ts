/** A line of text being typed. The caret stands before the letter at `at`. */
export interface Entry {
  /** Letters as people count them, so that the caret never splits one. */
  readonly letters: readonly string[]
  readonly at: number
}

export const EMPTY_ENTRY: Entry = { letters: [], at: 0 }

/** Longer than any token, subject or honest reason. */
const MAX_LETTERS = 1000

export type Edit =
  | { readonly type: "insert"; readonly text: string }
  | { readonly type: "delete"; readonly what: "before" | "after" | "word" | "all" }
  | { readonly type: "caret"; readonly to: "left" | "right" | "start" | "end" }

const segmenter = new Intl.Segmenter()

export function textOf(entry: Entry): string {
  return entry.letters.join("")
}

export function entryOf(text: string): Entry {
  return edited(EMPTY_ENTRY, { type: "insert", text })
}

export function edited(entry: Entry, edit: Edit): Entry {
  const { letters, at } = entry
  switch (edit.type) {
    case "insert": {
      // A pasted line break is a space: nothing pasted can submit a form.
      const text = edit.text.replace(/[\r\n\t]+/g, " ").replace(/\p{Cc}/gu, "")
      const added = [...segmenter.segment(text)].map(({ segment }) => segment)
      const fitting = added.slice(0, Math.max(0, MAX_LETTERS - letters.length))
      return { letters: letters.toSpliced(at, 0, ...fitting), at: at + fitting.length }
    }
    case "delete": {
      if (edit.what === "all") return EMPTY_ENTRY
      if (edit.what === "after") return { letters: letters.toSpliced(at, 1), at }
      const from = edit.what === "word" ? wordStart(letters, at) : Math.max(0, at - 1)
      return { letters: letters.toSpliced(from, at - from), at: from }
    }
    case "caret": {
      const places = { left: at - 1, right: at + 1, start: 0, end: letters.length }
      return { letters, at: Math.min(letters.length, Math.max(0, places[edit.to])) }
    }
  }
}

function wordStart(letters: readonly string[], at: number): number {
  let from = at
  while (from > 0 && letters[from - 1] === " ") from--
  while (from > 0 && letters[from - 1] !== " ") from--
  return from
}
