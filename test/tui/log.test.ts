import { setImmediate as turn } from "node:timers/promises"
import { expect, test } from "vitest"
import { captureOutput, createLog } from "../../src/tui/log.ts"
import { withConsoleClass } from "./console-class.ts"

test("keeps the newest lines, newest first, and not without end", () => {
  const log = createLog(() => 7)
  for (let at = 0; at < 1000; at++) log.add(`line ${at}`)
  log.add("two\n\nlines\n")
  expect(log.list().slice(0, 3)).toEqual([
    { atMs: 7, text: "two" },
    { atMs: 7, text: "lines" },
    { atMs: 7, text: "line 999" },
  ])
  expect(log.list()).toHaveLength(200)
})

test("takes what libraries print and warn, and gives everything back", async () => {
  const log = createLog(() => 0)
  const printers = process.listeners("warning")
  const library = withConsoleClass()
  const { error, log: print } = library
  const restore = captureOutput(log)
  try {
    library.error("an error of %s", "a library")
    library.log("a line")
    process.emitWarning("old Node", "NodeVersionSupportWarning")
    await turn()
  } finally {
    restore()
  }
  expect(log.list().map(({ text }) => text)).toEqual([
    "NodeVersionSupportWarning: old Node",
    "a line",
    "an error of a library",
  ])
  expect(process.listeners("warning")).toEqual(printers)
  expect(library.error).toBe(error)
  expect(library.log).toBe(print)
})
