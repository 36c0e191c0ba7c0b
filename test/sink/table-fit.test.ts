import { afterAll, beforeAll, beforeEach, expect, test } from "vitest"
import type { EventShape } from "../../src/decode/event-shape.ts"
import type { UserError } from "../../src/errors.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { assertTableFits } from "../../src/sink/table-fit.ts"
import { createEmptyDatabase, type TestDatabase } from "../database.ts"
import { field, LOGIN } from "../shape.ts"

/** The columns of the original table, with some of them otherwise. */
function columns(change: Record<string, string | null> = {}): string {
  const all: Record<string, string | null> = {
    user_id: "varchar(128)",
    device_type: "varchar(32)",
    masked_ip: "varchar(256)",
    masked_device_id: "varchar(256)",
    locale: "varchar(32)",
    app_version: "integer",
    create_date: "date",
    ...change,
  }
  const list = Object.entries(all).flatMap(([name, type]) => (type === null ? [] : [`${name} ${type}`]))
  return `create table user_logins (${list.join(", ")})`
}

/** Columns, what is wrong with them, and how to mend it: null for nothing. */
const TABLES: readonly [ddl: string, says: string | null, hint?: string][] = [
  [columns(), null],
  [columns({ user_id: "text", masked_ip: "varchar", app_version: "bigint", locale: "varchar(33)" }), null],
  [columns({ masked_ip: "varchar(81)" }), null],
  [columns({ id: "bigint generated always as identity", at: "timestamptz not null default now()" }), null],
  [columns({ user_id: "varchar(128) not null" }), null],
  [
    columns({ masked_ip: "varchar(80)" }),
    "masked_ip holds 80 characters, and a token may have 81",
    "type varchar(256)",
  ],
  [columns({ masked_ip: "varchar(32)" }), "masked_ip holds 32 characters"],
  [
    columns({ user_id: "varchar(64)" }),
    "user_id holds 64 characters, and the field user_id may have 128",
    "type varchar(128)",
  ],
  [
    columns({ masked_ip: null, hashed_ip: "varchar(256)" }),
    "masked_ip is called hashed_ip",
    'rename column "hashed_ip" to "masked_ip"',
  ],
  [columns({ locale: null }), "there is no column locale", 'add column "locale" varchar(32)'],
  [
    columns({ app_version: "varchar(15)" }),
    "app_version is character varying(15), not integer",
    "type integer",
  ],
  [columns({ app_version: "smallint" }), "app_version is smallint"],
  [columns({ create_date: "timestamptz" }), "create_date is timestamp with time zone, not date"],
  [columns({ device_type: "char(32)" }), "device_type is character(32)"],
  [columns({ masked_ip: "inet" }), "masked_ip is inet"],
  [
    columns({ tenant: "text not null" }),
    "tenant must not be null, and nothing fills it",
    'alter column "tenant" drop not null',
  ],
  [
    columns({ locale: "varchar(32) not null" }),
    "locale must not be null, but the field locale may be",
    "drop not null",
  ],
  [
    columns({ locale: "varchar(32) generated always as ('x') stored" }),
    "locale is generated, so it cannot take the field locale",
    "name another column for the field locale",
  ],
  [columns({ locale: "varchar(32)[]" }), "locale is character varying(32)[], not varchar(32)"],
  [
    columns({ user_id: "int", locale: null }),
    "user_id is integer, not varchar(128); there is no column locale",
  ],
  [columns({ masked_ip: null }), "there is no column masked_ip", 'add column "masked_ip" varchar(256)'],
  ["create view user_logins as select 1", "is not a table", "name a table under event.table"],
  ["select 1", "does not exist", "run peppermill init"],
]

let database: TestDatabase
let db: Database

beforeAll(async () => {
  database = await createEmptyDatabase()
  db = await openDatabase(database.address, { poolSize: 1 })
})
beforeEach(async () => {
  await database.query("drop schema public cascade; create schema public")
})
afterAll(async () => {
  await db.destroy()
  await database.drop()
})

async function misfit(shape: EventShape): Promise<UserError | undefined> {
  return await assertTableFits(db, shape).then(
    () => undefined,
    (error: UserError) => error,
  )
}

test.each(TABLES)("of a table made by %s it says: %s", async (ddl, says, hint) => {
  await database.query(ddl)
  const error = await misfit(LOGIN)
  if (says === null) {
    expect(error).toBeUndefined()
    return
  }
  expect(error).toMatchObject({ name: "UserError", kind: "config" })
  expect(error?.message).toContain(says)
  expect(error?.message).toContain("public.user_logins")
  expect(error?.hint).toContain(hint ?? "")
})

test("the mending that it proposes mends", async () => {
  await database.query(
    columns({
      masked_ip: "varchar(32)",
      masked_device_id: null,
      hashed_device_id: "varchar(256)",
      locale: null,
      device_type: "char(32)",
      tenant: "text not null",
    }),
  )
  let rounds = 0
  for (let error = await misfit(LOGIN); error !== undefined && rounds < 10; rounds++) {
    await database.query(error.hint ?? "")
    error = await misfit(LOGIN)
  }
  expect(rounds).toBe(5)
})

/** Types of fields: the columns that take them without loss, that of `init` first, and some that do not. */
const TYPES = {
  ip: [
    ["text", "varchar(39)", "varchar"],
    ["varchar(38)", "inet"],
  ],
  version: [
    ["integer", "bigint", "numeric"],
    ["smallint", "text"],
  ],
  integer: [
    ["bigint", "numeric"],
    ["integer", "text"],
  ],
  number: [
    ["double precision", "numeric"],
    ["real", "bigint"],
  ],
  boolean: [["boolean"], ["integer", "text"]],
  timestamp: [["timestamp with time zone"], ["timestamp", "date", "text"]],
} as const

test.each(Object.entries(TYPES))(
  "a field of the type %s fits where nothing of it is lost",
  async (type, [good, bad]) => {
    const fields = [field("who"), field("value", { type: type as keyof typeof TYPES })]
    const shape: EventShape = { table: "things", subject: "who", fields, sentDate: null }
    for (const column of [...good, ...bad]) {
      await database.query(`drop table if exists things; create table things (who text, value ${column})`)
      const error = await misfit(shape)
      if ((good as readonly string[]).includes(column)) expect(error, column).toBeUndefined()
      else
        expect(error?.hint, column).toMatch(
          new RegExp(`^alter table .* alter column "value" type ${good[0]}$`),
        )
    }
  },
)

test("a column is taken for one of the older form only when that is what its name says", async () => {
  await database.query("create table things (who text, un_hashed_ip varchar(256))")
  const fields = [field("who"), field("ip", { mask: true, column: "un_masked_ip" })]
  const shape: EventShape = { table: "things", subject: "who", fields, sentDate: null }
  expect((await misfit(shape))?.message).toContain("there is no column un_masked_ip")
})

test("a text of any length needs a column of any length", async () => {
  await database.query("create table notes (who varchar(10), note varchar(10))")
  const fields = [field("who", { maxLength: 10 }), field("note")]
  const shape: EventShape = { table: "notes", subject: "who", fields, sentDate: null }
  expect(await misfit(shape)).toMatchObject({
    message: "public.notes: the column note holds 10 characters, and the field note may have any number",
    hint: "set maxLength: 10 for the field note",
  })
  await database.query("alter table notes alter note type text")
  expect(await misfit(shape)).toBeUndefined()
})
