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
      ["select on peppermill.ledger", false, "SELECT on peppermill.ledger"],
      ["usage on schema peppermill", false, "USAGE on peppermill.ledger"],
    ] as const) {
      await database.query(`revoke ${revoke} from peppermill_writer`)
      const error = await check(writer, vault)
      expect(error).toMatchObject({ name: "UserError", kind: "permission" })
      expect(String(error)).toContain(says)
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

  test("refuses a table that does not fit", async () => {
    await using database = await createDatabase()
    await database.query("alter table user_logins alter masked_ip type varchar(32)")
    expect(await check(database)).toMatchObject({ kind: "config" })
  })

  test.each([
    ["default_transaction_read_only = on", "the database is read-only"],
    ["synchronous_commit = off", "synchronous_commit is off"],
  ])("refuses a database with %s", async (setting, says) => {
    await using database = await createDatabase()
    await database.query(`alter database ${database.address.database} set ${setting}`)
    const error = await check(database)
    expect(error).toMatchObject({ name: "UserError", kind: "config" })
    expect(String(error)).toContain(says)
  })

  test("refuses an encoding that would not give text back as it came", async () => {
    await using database = await createEmptyDatabase({ encoding: "SQL_ASCII" })
    const error = await check(database)
    expect(error).toMatchObject({ name: "UserError", kind: "config" })
    expect(String(error)).toContain("SQL_ASCII")
  })

  test("does not wait for a server that is not there", async () => {
    await using database = await createEmptyDatabase()
    const startedMs = performance.now()
    const error = await check({ address: { ...database.address, port: 1 } })
    expect(error).toMatchObject({ name: "UserError", kind: "unavailable" })
    expect(performance.now() - startedMs).toBeLessThan(5_000)
  })
})
