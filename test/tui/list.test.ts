import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Action } from "../../src/tui/action.ts"
import { textOf } from "../../src/tui/entry.ts"
import { LIST, type List, listAfter, matching, pageAround } from "../../src/tui/list.ts"

const applied = (length: number, ...actions: readonly Action[]) =>
  actions.reduce<List>((list, action) => listAfter(list, action, length) ?? list, LIST)

describe("a list", () => {
  test("moves within its ends", () => {
    expect(applied(3, { type: "move", by: 5 }).cursor).toBe(2)
    expect(applied(3, { type: "move", by: 2 }, { type: "move", by: -9 }).cursor).toBe(0)
    expect(applied(3, { type: "jump", to: "bottom" }).cursor).toBe(2)
    expect(applied(0, { type: "jump", to: "bottom" }).cursor).toBe(0)
    expect(applied(3, { type: "select", index: 99 }).cursor).toBe(2)
  })

  test("a cursor beyond a list that shrank counts from its end", () => {
    expect(listAfter({ ...LIST, cursor: 90 }, { type: "move", by: -1 }, 10)?.cursor).toBe(8)
  })

  test("letters are its business only while it is being narrowed", () => {
    expect(listAfter(LIST, { type: "insert", text: "x" }, 3)).toBeNull()
    const narrowed = applied(3, { type: "filter" }, { type: "insert", text: "x" })
    expect(textOf(narrowed.filter)).toBe("x")
    expect(applied(3, { type: "filter" }, { type: "insert", text: "x" }, { type: "open" }).isFiltering).toBe(
      false,
    )
    expect(applied(3, { type: "filter" }, { type: "insert", text: "x" }, { type: "back" })).toEqual(LIST)
  })

  test("leaves to its screen what is none of its business", () => {
    expect(listAfter(LIST, { type: "back" }, 3)).toBeNull()
    expect(listAfter(LIST, { type: "open" }, 3)).toBeNull()
    expect(listAfter(LIST, { type: "pause" }, 3)).toBeNull()
  })

  test("matches every word, in any case and order", () => {
    const list = applied(0, { type: "filter" }, { type: "insert", text: "IP  wrong" })
    expect(matching(list, ["wrong-type at ip", "wrong-type", "ip"], (text) => text)).toEqual([
      "wrong-type at ip",
    ])
    expect(matching(LIST, ["a", "b"], (text) => text)).toEqual(["a", "b"])
  })
})

describe("the page around a cursor", () => {
  test("holds the cursor, never more than fits, and is full as far as the list goes", () => {
    const heights = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 60 })
    fc.assert(
      fc.property(heights, fc.nat(80), fc.integer({ min: 4, max: 30 }), (items, cursor, rows) => {
        const [from, to] = pageAround(items, cursor, rows)
        const at = Math.min(cursor, items.length - 1)
        const used = items.slice(from, to).reduce((sum, height) => sum + height, 0)
        expect(from).toBeLessThanOrEqual(at)
        expect(to).toBeGreaterThan(at)
        expect(used).toBeLessThanOrEqual(rows)
        if (from > 0) expect(used + (items[from - 1] as number)).toBeGreaterThan(rows)
        if (to < items.length) expect(used + (items[to] as number)).toBeGreaterThan(rows)
      }),
    )
  })

  test("an empty list has an empty page", () => {
    expect(pageAround([], 5, 10)).toEqual([0, 0])
  })

  test("an item higher than the page still shows", () => {
    expect(pageAround([1, 40, 1], 1, 10)).toEqual([1, 2])
  })
})
