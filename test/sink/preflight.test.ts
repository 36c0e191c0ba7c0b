import { describe, expect, test } from "vitest"
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../database.ts"
import { openSink } from "./setup.ts"

async function check(at: Pick<TestDatabase, "address">, vault = false): Promise<unknown> {
  await using s = await openSink(at, { vault })
  return await s.sink.check().catch((thrown: unknown) => thrown)
}

describe("the preflight", () => {
  test("passes a member of peppermill_writer, and refuses it once a grant is missing", async () => {
    await using database = await createDatabase()
    const writer = await database.login("peppermill_writer")
    expect(await check(writer, true)).toBeUndefined()
    for (const [revoke, vault, says] of [
      ["insert on vault.originals", true, "INSERT on vault.originals"],
      ["insert on vault.quarantine", true, "INSERT on vault.quarantine"],
      ["insert on vault.data_keys", true, "INSERT on vault.data_keys"],
      ["select on peppermill.erasures", true, "SELECT on peppermill.erasures"],
      ["usage on schema vault", true, "USAGE on vault.data_keys"],
      ["insert on user_logins", false, "INSERT on public.user_logins"],
      ["select, insert on peppermill.mask_keys", false, "SELECT, INSERT on peppermill.mask_keys"],
      ["select on peppermill.ledger", false, "SELECT on peppermill.ledger"],
      ["usage on schema peppermill", false, "USAGE on peppermill.ledger"],
    ] as const) {
      await database.query(`revoke ${revoke} from peppermill_writer`)
      const error = await check(writer, vault)
      expect(error).toMatchObject({
        name: "UserError",
        kind: "permission",
        message: `the database user may not ${says}`,
        hint: expect.stringContaining("grant peppermill_writer"),
      })
      await database.query(`grant ${revoke} to peppermill_writer`)
    }
    expect(await check(writer, true)).toBeUndefined()
  })

  test("refuses a database in which init never ran, and says so", async () => {
    await using database = await createEmptyDatabase()
    expect(await check(database)).toMatchObject({
      kind: "config",
      message: "the table peppermill.ledger does not exist",
      hint: "run peppermill init",
    })
  })

  test("asks nothing of the vault when it is off", async () => {
    await using database = await createDatabase()
    await database.query("drop schema vault cascade; drop table peppermill.erasures")
    const writer = await database.login("peppermill_writer")
    expect(await check(writer, false)).toBeUndefined()
    expect(await check(writer, true)).toMatchObject({ message: "the table vault.data_keys does not exist" })
  })

  test("refuses a table that does not fit", async () => {
    await using database = await createDatabase()
    await database.query("alter table user_logins alter masked_ip type varchar(32)")
    expect(await check(database)).toMatchObject({ kind: "config" })
  })

  test.each([
    ["default_transaction_read_only = on", "the database is read-only", "default_transaction_read_only"],
    ["synchronous_commit = off", "synchronous_commit is off", "set synchronous_commit = on"],
  ])("refuses a database with %s", async (setting, says, hint) => {
    await using database = await createDatabase()
    await database.query(`alter database ${database.address.database} set ${setting}`)
    const error = await check(database)
    expect(error).toMatchObject({ kind: "config", hint: expect.stringContaining(hint) })
    expect(String(error)).toMatch(new RegExp(`^UserError: ${says}`))
  })

  // A server of 2021 and a standby, in what they say of themselves: the catalog of one database is changed.
  const settings = (version: number) => `case $1
    when 'server_version_num' then '${version}' when 'server_version' then '13.99'
    when 'server_encoding' then 'UTF8' when 'transaction_read_only' then 'off' else 'on' end`
  test.each([
    [
      "139999",
      "current_setting(text)",
      "text",
      settings(139_999),
      "PostgreSQL 13.99 is too old",
      "14 or newer",
    ],
    ["140000", "current_setting(text)", "text", settings(140_000), null, ""],
    [
      "a replica",
      "pg_is_in_recovery()",
      "boolean",
      "true",
      "the database is a replica",
      "must name the primary",
    ],
  ])("judges a server that says it is %s", async (_, name, type, answer, says, hint) => {
    await using database = await createDatabase()
    await database.query(`set allow_system_table_mods = on;
      create or replace function pg_catalog.${name} returns ${type} language sql as $$ select ${answer} $$`)
    const error = await check(database)
    if (says === null) expect(error).toBeUndefined()
    else expect(error).toMatchObject({ kind: "config", message: says, hint: expect.stringContaining(hint) })
  })

  test("refuses an encoding that would not give text back as it came", async () => {
    await using database = await createEmptyDatabase({ encoding: "SQL_ASCII" })
    expect(await check(database)).toMatchObject({
      kind: "config",
      message: "the database has the encoding SQL_ASCII",
      hint: expect.stringContaining("encoding UTF8"),
    })
  })

  test("does not wait for a server that is not there", async () => {
    await using database = await createEmptyDatabase()
    const startedMs = performance.now()
    const error = await check({ address: { ...database.address, port: 1 } })
    expect(error).toMatchObject({ name: "UserError", kind: "unavailable" })
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  })
})
