import { describe, expect, test } from "vitest"
import { type Edit, EMPTY_ENTRY, edited, entryOf, textOf } from "../../src/tui/entry.ts"

const applied = (text: string, ...edits: readonly Edit[]) => edits.reduce(edited, entryOf(text))
const left: Edit = { type: "caret", to: "left" }

describe("a typed line", () => {
  test("grows where the caret stands", () => {
    expect(textOf(applied("acd", left, left, { type: "insert", text: "b" }))).toBe("abcd")
  })

  test("loses letters on either side, a word, or all", () => {
    expect(textOf(applied("abc", { type: "delete", what: "before" }))).toBe("ab")
    expect(textOf(applied("abc", left, left, { type: "delete", what: "after" }))).toBe("ac")
    expect(textOf(applied("one two  ", { type: "delete", what: "word" }))).toBe("one ")
    expect(textOf(applied("abc", left, { type: "delete", what: "all" }))).toBe("")
    expect(applied("", { type: "delete", what: "before" })).toEqual(EMPTY_ENTRY)
  })

  test("the caret stays within", () => {
    expect(applied("ab", left, left, left, left).at).toBe(0)
    expect(applied("ab", { type: "caret", to: "start" }, { type: "caret", to: "end" }).at).toBe(2)
  })

  test("a letter of several code points is one letter", () => {
    const flag = applied("a\u{1f1e9}\u{1f1ea}e\u0301", { type: "delete", what: "before" })
    expect(textOf(flag)).toBe("a\u{1f1e9}\u{1f1ea}")
    expect(textOf(edited(flag, { type: "delete", what: "before" }))).toBe("a")
  })

  test("what is pasted cannot submit or command: line breaks are spaces, controls are gone", () => {
    expect(textOf(entryOf("one\r\ntwo\tthree\u001b[31m\u0007"))).toBe("one two three[31m")
  })

  test("does not grow without end", () => {
    expect(entryOf("x".repeat(5000)).letters).toHaveLength(1000)
  })
})
