import pg from "pg"
import { afterAll, beforeAll, expect, test } from "vitest"
import { arrayParameter } from "../../src/sink/binary-array.ts"
import { createEmptyDatabase, type TestDatabase } from "../database.ts"

let database: TestDatabase
beforeAll(async () => {
  database = await createEmptyDatabase()
})
afterAll(() => database.drop())

test.each<[string, readonly unknown[]]>([
  ["text", ["plain", "", "NULL", null, '{"a"}', "b\\c", "d'e", "žluťoučký \u{1f600}", "f\ng"]],
  ["text", []],
  ["bytea", [Buffer.of(0, 255, 92, 39), Buffer.alloc(0), null]],
  ["uuid", ["00000000-0000-4000-8000-0000000000ff", null, "ffffffff-ffff-ffff-ffff-ffffffffffff"]],
  ["date", ["2026-11-22", "1969-12-31", "2000-01-01", "1999-12-31", "9999-12-31", null]],
])("%s %j reaches PostgreSQL as the driver's own text would", async (type, values) => {
  const parameter = arrayParameter(type, values)
  expect(parameter).toBeInstanceOf(Buffer)
  const sql = `select $1::${type}[] is not distinct from $2::${type}[] as same, cardinality($1::${type}[]) as length`
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client.query(sql, [parameter, values]).finally(() => client.end())
  expect(rows).toEqual([{ same: true, length: values.length }])
})

test.each<[string, readonly unknown[]]>([
  ["text", ["a", "ü", ""]],
  ["text", ["a", null, "b", null]],
  ["bytea", [Buffer.of(1, 2, 3), Buffer.alloc(0)]],
  ["uuid", [null, "00000000-0000-4000-8000-0000000000ff"]],
  ["date", ["2026-11-22", "1969-12-31"]],
])("%s %j is byte for byte what PostgreSQL itself would send", async (type, values) => {
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const { rows } = await client
    .query(`select array_send($1::${type}[]) as sent`, [values])
    .finally(() => client.end())
  expect(arrayParameter(type, values)).toEqual(rows[0]?.sent)
})

test("a type that is not known goes as it came", () => {
  const values = [1, null]
  expect(arrayParameter("integer", values)).toBe(values)
})
