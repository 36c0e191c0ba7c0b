import { afterAll, beforeAll, expect, test } from "vitest"
import { firstRows, mostRepeated, rowsHolding } from "../../src/sink/inspect.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { field, LOGIN } from "../shape.ts"
import { batch, type OpenSink, openSink, row, tokenOf } from "./setup.ts"

const HOME = tokenOf("home")
const OFFICE = tokenOf("office")
const PHONE = tokenOf("phone")

let database: TestDatabase
let s: OpenSink

// One person at home three times; three people at the office on one phone; one without any address, twice.
beforeAll(async () => {
  database = await createDatabase()
  s = await openSink(database)
  const at = (n: number, who: string, ip: typeof HOME | null, device: typeof HOME | null) =>
    row(n, { plain: [who, "ios", null, 2_003_000], tokens: [ip, device] })
  await s.write(
    batch([
      at(0, "ann", HOME, tokenOf("0")),
      at(1, "ann", HOME, tokenOf("1")),
      at(2, "ann", HOME, tokenOf("2")),
      at(3, "ann", OFFICE, PHONE),
      at(4, "ben", OFFICE, PHONE),
      at(5, "cat", OFFICE, PHONE),
      at(6, "cat", OFFICE, null),
      at(7, "dan", null, tokenOf("7")),
      at(8, "dan", null, null),
    ]),
  )
})
afterAll(async () => {
  await s.sink.close()
  await database.drop()
})

test("the tokens in most rows stand first, column by column, with how many people have them", async () => {
  expect(await mostRepeated(s.db, LOGIN, 5)).toEqual([
    { column: "masked_ip", token: OFFICE, rows: 4, subjects: 3 },
    { column: "masked_ip", token: HOME, rows: 3, subjects: 1 },
    { column: "masked_device_id", token: PHONE, rows: 3, subjects: 3 },
  ])
  expect(await mostRepeated(s.db, LOGIN, 1)).toMatchObject([{ token: OFFICE }, { token: PHONE }])
})

test("a subject is counted by its column, whatever the column is called", async () => {
  const shape = {
    ...LOGIN,
    subject: "who",
    fields: [
      field("other"),
      field("who", { column: "user_id" }),
      field("ip", { mask: true, column: "masked_ip" }),
    ],
  }
  expect(await mostRepeated(s.db, shape, 1)).toEqual([
    { column: "masked_ip", token: OFFICE, rows: 4, subjects: 3 },
  ])
})

test("rows are shown as text, fields first and then the date, at most as many as asked for", async () => {
  const [shown, ...more] = await firstRows(s.db, LOGIN, 1)
  expect(more).toEqual([])
  expect(Object.entries(shown ?? {})).toEqual([
    ["user_id", "ann"],
    ["device_type", "ios"],
    ["masked_ip", HOME],
    ["masked_device_id", tokenOf("0")],
    ["locale", null],
    ["app_version", "2003000"],
    ["create_date", "2026-11-01"],
  ])
  expect(await firstRows(s.db, LOGIN, 100)).toHaveLength(9)
  const [dateless = {}] = await firstRows(s.db, { ...LOGIN, sentDate: null }, 1)
  expect(Object.keys(dateless)).not.toContain("create_date")
})

test("a text is found in any column, in part too, and a row counts once", async () => {
  expect(await rowsHolding(s.db, LOGIN, ["ann"])).toBe(4)
  expect(await rowsHolding(s.db, LOGIN, ["an", "ann", HOME.slice(9)])).toBe(6)
  expect(await rowsHolding(s.db, LOGIN, ["192.0.2.9"])).toBe(0)
  expect(await rowsHolding(s.db, LOGIN, [])).toBe(0)
})
