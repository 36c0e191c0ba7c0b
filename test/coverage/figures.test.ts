import { expect, test } from "vitest"
import { type FileCoverage, figuresOf } from "./figures.ts"

/** A file of lines 1, 2 and 3, with a branch of two ways on line 2. */
const file = (ran: readonly [number, number, number], ways: readonly number[], line = 2): FileCoverage => ({
  statementMap: Object.fromEntries(ran.map((_, index) => [index, { start: { line: index + 1 } }])),
  s: Object.fromEntries(ran.map((times, index) => [index, times])),
  branchMap: { 0: { type: "cond-expr", line } },
  b: { 0: ways },
})

test("a line, or a way of a branch, counts when it ran in either view", () => {
  expect(figuresOf(file([1, 0, 0], [1, 0]), undefined)).toEqual({
    lines: { hit: 1, all: 3 },
    branches: { hit: 1, all: 2 },
  })
  expect(figuresOf(file([1, 0, 0], [1, 0]), file([0, 4, 0], [0, 2]))).toEqual({
    lines: { hit: 2, all: 3 },
    branches: { hit: 2, all: 2 },
  })
})

test.each([
  ["is on another line", file([0, 0, 0], [5, 5], 3)],
  ["has another number of ways", file([0, 0, 0], [5, 5, 5])],
])("a branch that %s in the other view adds nothing", (_, other) => {
  expect(figuresOf(file([0, 0, 0], [0, 0]), other).branches).toEqual({ hit: 0, all: 2 })
})
