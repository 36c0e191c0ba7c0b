import { describe, expect, test } from "vitest"
import type { Model } from "../../src/tui/model.ts"
import { PAGE } from "../../src/tui/screens/audit.ts"
import { type News, update } from "../../src/tui/update.ts"
import { records } from "./fake-ports.ts"
import { act, applied, fullModel } from "./full-model.ts"

const full: Model = { ...fullModel(), screen: "audit" }
const many = records((text) => text, PAGE)
const told = (news: Partial<Extract<News, { type: "records" }>>) =>
  ({
    type: "told",
    news: { type: "records", filter: "", before: null, answer: { ok: true, value: many }, ...news },
  }) as const

describe("the record", () => {
  test("older records come when one reaches the end of a full page, and are added below", () => {
    const first = applied(full, told({}))
    const [atEnd, asked] = update(first, act({ type: "jump", to: "bottom" }))
    const oldest = many.at(-1)?.position ?? 0
    expect(asked).toEqual([{ type: "audit-records", filter: "", before: oldest }])
    expect(update(atEnd, act({ type: "move", by: 1 }))[1]).toEqual([])
    const older = records((text) => text, 3).map((record) => ({
      ...record,
      position: record.position - PAGE,
    }))
    const both = applied(atEnd, told({ before: oldest, answer: { ok: true, value: older } }))
    expect(both.audit.records.value).toHaveLength(PAGE + 3)
    expect(both.audit.hasOlder).toBe(false)
    expect(update(both, act({ type: "jump", to: "bottom" }))[1]).toEqual([])
  })

  test("an answer to another filter than the one that stands is dropped", () => {
    const [narrowed] = update(
      applied(full, act({ type: "filter" }), act({ type: "insert", text: "bob" })),
      act({ type: "open" }),
    )
    const late = applied(narrowed, told({ filter: "", answer: { ok: true, value: [] } }))
    expect(late.audit.records.isLoading).toBe(true)
    expect(late.audit.records.value).toHaveLength(60)
  })

  test("esc clears the filter and asks for everything again", () => {
    const narrowed = applied(
      full,
      act({ type: "filter" }),
      act({ type: "insert", text: "bob" }),
      act({ type: "open" }),
      told({ filter: "bob" }),
    )
    expect(update(narrowed, act({ type: "back" }))[1]).toEqual([
      { type: "audit-records", filter: "", before: null },
    ])
  })

  test("Enter opens a record, and Enter or esc closes it", () => {
    const opened = applied(full, act({ type: "move", by: 1 }), act({ type: "open" }))
    expect(opened.audit.open?.position).toBe(1041)
    expect(applied(opened, act({ type: "open" })).audit.open).toBeNull()
    expect(applied(opened, act({ type: "back" })).audit.open).toBeNull()
  })
})

describe("a quarantine group", () => {
  test("shows the answer for the group that is open, not for one that was", () => {
    const inQuarantine: Model = { ...full, screen: "quarantine" }
    const first = applied(inQuarantine, act({ type: "open" }))
    const group = first.quarantine.open?.group
    if (group === undefined) throw new Error("nothing opened")
    const second = applied(first, act({ type: "back" }), act({ type: "move", by: 1 }), act({ type: "open" }))
    const late = applied(second, {
      type: "told",
      news: { type: "messages", group, answer: { ok: true, value: [] } },
    })
    expect(late.quarantine.open?.messages).toMatchObject({ value: null, isLoading: true })
    expect(applied(late, act({ type: "back" })).quarantine.open).toBeNull()
  })
})

describe("the drain's events", () => {
  test("stand still while one reads back, and follow again from the top", () => {
    const drain: Model = { ...full, screen: "drain" }
    const reading = applied(drain, act({ type: "move", by: 2 }))
    expect(reading.drain.held).toBe(drain.drain.view?.happenings)
    const later = applied(reading, { type: "tick", nowMs: reading.nowMs + 1000, drain: null, log: [] })
    expect(later.drain.held).toBe(reading.drain.held)
    expect(applied(later, act({ type: "jump", to: "top" })).drain.held).toBeNull()
    expect(applied(later, act({ type: "back" })).drain).toMatchObject({ held: null, list: { cursor: 0 } })
  })
})

describe("a page over the screen", () => {
  test("scrolls to its end and no further, and gives way to the screen below", () => {
    const help = applied(full, act({ type: "help" }))
    const bottom = applied(help, act({ type: "move", by: 1000 }))
    expect(applied(bottom, act({ type: "move", by: -1 })).overlay?.list.cursor).toBe(
      (bottom.overlay?.list.cursor ?? 0) - 1,
    )
    expect(applied(bottom, act({ type: "back" })).overlay).toBeNull()
    expect(applied(bottom, act({ type: "log" })).overlay).toMatchObject({ page: "log", list: { cursor: 0 } })
    expect(applied(bottom, act({ type: "help" })).overlay).toBeNull()
  })

  test("keys for the screen below do nothing to it", () => {
    const help = applied(full, act({ type: "help" }))
    expect(
      applied(help, act({ type: "open" }), act({ type: "pause" }), act({ type: "turn", by: 1 })),
    ).toMatchObject({
      screen: "audit",
      audit: { open: null },
    })
  })
})
