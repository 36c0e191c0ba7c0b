import { describe, expect, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import { drawingFor, requireTerminal } from "../../src/tui/terminal.ts"

const NO_FLAGS = { color: undefined, ascii: false, screenReader: false }

describe("how to draw", () => {
  test.each<readonly [Record<string, string>, boolean]>([
    [{ TERM: "xterm-256color" }, true],
    [{ TERM: "xterm", NO_COLOR: "1" }, false],
    [{ TERM: "xterm", NO_COLOR: "" }, true],
    [{ TERM: "xterm", NO_COLOR: "1", FORCE_COLOR: "1" }, false],
    [{ TERM: "xterm", FORCE_COLOR: "0" }, false],
    [{ TERM: "dumb", FORCE_COLOR: "1" }, true],
    [{ TERM: "dumb" }, false],
    [{ TERM: "xterm", CLICOLOR: "0" }, false],
    [{ TERM: "xterm", CLICOLOR: "0", CLICOLOR_FORCE: "1" }, true],
  ])("%j: colour %s", (env, hasColour) => {
    expect(drawingFor(env, NO_FLAGS).hasColour).toBe(hasColour)
  })

  test("a flag wins over the environment", () => {
    expect(drawingFor({ FORCE_COLOR: "1" }, { ...NO_FLAGS, color: false }).hasColour).toBe(false)
    expect(drawingFor({ NO_COLOR: "1" }, { ...NO_FLAGS, color: true }).hasColour).toBe(true)
  })

  test.each<readonly [Record<string, string>, boolean]>([
    [{ LANG: "de_DE.UTF-8" }, false],
    [{ LANG: "C.utf8" }, false],
    [{ LANG: "C" }, false],
    [{}, false],
    [{ LANG: "de_DE.ISO-8859-1" }, true],
    [{ LANG: "de_DE.UTF-8", LC_ALL: "de_DE.ISO-8859-15" }, true],
    [{ TERM: "linux" }, true],
    [{ TERM: "dumb" }, true],
  ])("%j: ASCII %s", (env, isAscii) => {
    expect(drawingFor(env, NO_FLAGS).isAscii).toBe(isAscii)
  })

  test("lines instead of a screen for screen readers and terminals without a cursor", () => {
    expect(drawingFor({ TERM: "xterm" }, NO_FLAGS).isLinear).toBe(false)
    expect(drawingFor({ TERM: "dumb" }, NO_FLAGS).isLinear).toBe(true)
    expect(drawingFor({ INK_SCREEN_READER: "true" }, NO_FLAGS).isLinear).toBe(true)
    expect(drawingFor({}, { ...NO_FLAGS, screenReader: true }).isLinear).toBe(true)
  })
})

test("refuses to start without a terminal, and says what works without one", () => {
  const refusal = (stdin: boolean, stdout: boolean) => {
    try {
      requireTerminal({ isTTY: stdin }, { isTTY: stdout })
      return null
    } catch (error) {
      return error
    }
  }
  expect(refusal(true, true)).toBeNull()
  for (const error of [refusal(false, true), refusal(true, false)]) {
    expect(error).toBeInstanceOf(UserError)
    expect(error).toMatchObject({ kind: "usage", hint: "peppermill --batch runs without one" })
  }
})
