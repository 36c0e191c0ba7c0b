import { expect, test } from "vitest"
import { compareObjects, type InitObject } from "../../src/sink/init-objects.ts"

const object = (kind: InitObject["kind"], name: string, isEvents = false): InitObject => ({
  kind,
  name,
  isEvents,
})
const events = object("table", "public.user_logins", true)
const ledger = object("table", "peppermill.ledger")
const index = object("index", "user_logins_user_id_idx", true)
const partition = object("partition", "user_logins_2026_11", true)

const outcomes = (before: readonly InitObject[], after: readonly InitObject[]) =>
  compareObjects(before, after).map(({ object: name, outcome }) => `${name} ${outcome}`)

test("what is there and was not before was created, in the order it stands in", () => {
  expect(outcomes([], [ledger, events, index])).toEqual([
    "table peppermill.ledger created",
    "table public.user_logins created",
    "index user_logins_user_id_idx created",
  ])
  expect(
    outcomes([ledger, events, index], [ledger, events, index]).map((line) => line.split(" ")[2]),
  ).toEqual(Array(3).fill("exists"))
})

test("a name is known by its kind: a table is no partition of the same name", () => {
  expect(outcomes([object("table", "a")], [object("partition", "a")])).toEqual(["partition a created"])
})

test("only the event table is adopted, and only when it gets an index of ours", () => {
  expect(outcomes([ledger, events], [ledger, events, index])).toEqual([
    "table peppermill.ledger exists",
    "table public.user_logins adopted",
    "index user_logins_user_id_idx created",
  ])
  expect(outcomes([events, index], [events, index, partition])[0]).toBe("table public.user_logins exists")
  expect(outcomes([events, index], [events, index])[0]).toBe("table public.user_logins exists")
  expect(outcomes([index], [index, object("index", "other", true)])[0]).toBe(
    "index user_logins_user_id_idx exists",
  )
})
