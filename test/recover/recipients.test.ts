import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { listDataKeys } from "../../src/recover/key-ring.ts"
import { changeRecipients } from "../../src/recover/recipients.ts"
import { recoverInOneStep } from "../../src/recover/release.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { LOGIN, login } from "../shape.ts"
import { createIdentity } from "../vault/keys.ts"
import { auditLog, REASON, session, tokenOf } from "./setup.ts"
import { openWriter, type Writer } from "./writer.ts"

const WHY = { reason: REASON, ticket: null }

let database: TestDatabase
let keeper: Database
let recoverer: Database
let writers: Writer[]
let first: Writer

beforeAll(async () => {
  database = await createDatabase()
  keeper = await openDatabase((await database.login("peppermill_keeper")).address, { poolSize: 2 })
  recoverer = await openDatabase((await database.login("peppermill_recoverer")).address, { poolSize: 2 })
})

beforeEach(async () => {
  await database.query(
    "delete from vault.originals; delete from vault.quarantine; delete from vault.data_keys; delete from user_logins",
  )
  writers = []
  for (const user of ["u-0", "u-1"]) {
    const writer = await openWriter(database)
    await writer.write(login({ user_id: user }))
    writers.push(writer)
  }
  first = writers[0] as Writer
  return async () => {
    for (const writer of writers) await writer[Symbol.asyncDispose]()
  }
})

afterAll(async () => {
  await keeper.destroy()
  await recoverer.destroy()
  await database.drop()
})

/** How many of a subject's originals an identity opens. */
async function opens(identity: string, subject = "u-0"): Promise<number> {
  const opening = { table: LOGIN.table, identities: [identity], tokenOf }
  const { originals } = await recoverInOneStep(recoverer, { tokens: [], subject, ...WHY }, opening)
  return originals.filter(({ value }) => value !== null).length
}

const sealedValues = () => database.query("select * from vault.originals order by subject, field")

describe("recipients", () => {
  test("who is added can open from now on, and no data was touched", async () => {
    const [guest, before] = [await createIdentity(), await sealedValues()]
    expect(await opens(guest.identity)).toBe(0)
    const change = { change: "add", recipient: guest.recipient } as const
    expect(await changeRecipients(keeper, change, WHY, [first.identity])).toEqual({
      dataKeys: 1,
      unopened: 1,
      last: 0,
    })
    expect(await opens(guest.identity)).toBe(2)
    expect(await opens(first.identity)).toBe(2)
    expect(await sealedValues()).toEqual(before)
    expect((await auditLog(database)).filter(({ action }) => action === "rewrap")).toMatchObject([
      { outcome: "begun" },
      { outcome: "done" },
    ])
    expect(
      (await listDataKeys(keeper)).map(({ recipients, originals }) => [recipients.length, originals]),
    ).toEqual([
      [2, 2],
      [1, 2],
    ])
  })

  test("of data keys, be it one or more than are handed out at a time, each is wrapped once", async () => {
    const guest = await createIdentity()
    await database.query("delete from vault.data_keys where recipients <> array[$1]", [first.recipient])
    const add = { change: "add", recipient: guest.recipient } as const
    expect(await changeRecipients(keeper, add, WHY, [first.identity])).toMatchObject({ dataKeys: 1 })
    await database.query(`insert into vault.data_keys (id, recipients, wrapped)
      select decode(lpad(to_hex(n), 32, '0'), 'hex'), array['age1x'], wrapped
      from vault.data_keys, generate_series(1, 100) as n`)
    const remove = { change: "remove", recipient: guest.recipient } as const
    expect(await changeRecipients(keeper, remove, WHY, [first.identity])).toMatchObject({ dataKeys: 1 })
    const drop = { change: "remove", recipient: "age1x" } as const
    expect(await changeRecipients(keeper, drop, WHY, [first.identity])).toEqual({
      dataKeys: 0,
      unopened: 0,
      last: 100,
    })
  })

  test("who is removed can open no more, and who is left still can", async () => {
    const guest = await createIdentity()
    const { identity, recipient } = first
    await changeRecipients(keeper, { change: "add", recipient: guest.recipient }, WHY, [identity])
    expect(await changeRecipients(keeper, { change: "remove", recipient }, WHY, [identity])).toMatchObject({
      dataKeys: 1,
    })
    expect(await opens(identity)).toBe(0)
    expect(await opens(guest.identity)).toBe(2)
  })

  test("the last one stays, because nobody else could open", async () => {
    const change = { change: "remove", recipient: first.recipient } as const
    expect(await changeRecipients(keeper, change, WHY, [first.identity])).toMatchObject({
      dataKeys: 0,
      last: 1,
    })
    expect(await opens(first.identity)).toBe(2)
    const begun = { action: "rewrap", outcome: "begun" }
    const rewraps = (await auditLog(database)).filter(({ action }) => action === "rewrap")
    expect(rewraps.at(-1)).toMatchObject(begun)
  })

  test("a data key stays as it is when its new wrapping would not open", async () => {
    const [guest, stranger] = [await createIdentity(), await createIdentity()]
    await database.query("update vault.data_keys set recipients = array[$1]", [stranger.recipient])
    const before = await database.query("select * from vault.data_keys order by id")
    const change = { change: "add", recipient: guest.recipient } as const
    await expect(changeRecipients(keeper, change, WHY, [first.identity])).rejects.toMatchObject({
      kind: "data",
      message: expect.stringContaining("does not open"),
      hint: expect.stringContaining("other recipients"),
    })
    expect(await database.query("select * from vault.data_keys order by id")).toEqual(before)
  })

  test("every data key is listed, with whom it opens for, its age, and what it sealed", async () => {
    await first.write("{")
    const listed = await listDataKeys(keeper)
    expect(listed).toEqual(
      writers.map(({ recipient }, at) => ({
        id: expect.stringMatching(/^[0-9a-f]{32}$/),
        recipients: [recipient],
        createdAtMs: expect.any(Number),
        originals: 2,
        quarantined: at === 0 ? 1 : 0,
      })),
    )
    expect(Math.abs((listed[0]?.createdAtMs ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test("interrupted and run again, changes each data key once", async () => {
    const guest = await createIdentity()
    const change = { change: "add", recipient: guest.recipient } as const
    const identities = writers.map(({ identity }) => identity)
    await database.query(`create function public.fail() returns trigger language plpgsql as $$
      begin raise exception using errcode = '57P01'; end $$;
      create trigger fail after update on vault.data_keys for each statement execute function public.fail()`)
    await expect(changeRecipients(keeper, change, WHY, identities)).rejects.toMatchObject({
      kind: "unavailable",
    })
    await database.query("drop trigger fail on vault.data_keys")
    expect(await opens(guest.identity)).toBe(0)
    expect(await changeRecipients(keeper, change, WHY, identities)).toMatchObject({ dataKeys: 2 })
    expect(await changeRecipients(keeper, change, WHY, identities)).toEqual({
      dataKeys: 0,
      unopened: 0,
      last: 0,
    })
    expect(await opens(guest.identity, "u-1")).toBe(2)
  })

  test("of two changes at one time none is lost", async () => {
    const guests = await Promise.all([createIdentity(), createIdentity(), createIdentity()])
    const add = (recipient: string) =>
      changeRecipients(keeper, { change: "add", recipient }, WHY, [first.identity])
    await Promise.all(guests.map(({ recipient }) => add(recipient)))
    for (const { recipient } of guests) await add(recipient)
    for (const { identity } of guests) expect(await opens(identity)).toBe(2)
  })

  test("refuses what is no recipient, an identity above all, and records nothing of it", async () => {
    const before = await auditLog(database)
    const change = { change: "add", recipient: first.identity } as const
    await expect(changeRecipients(keeper, change, WHY, [first.identity])).rejects.toThrow("is an identity")
    expect(await auditLog(database)).toEqual(before)
  })

  test("wrapped keys leave the database for a job on record only", async () => {
    await using bob = await session(database, "peppermill_keeper")
    await bob.run("begin")
    const [job] = await bob.run("select id from vault.begin_rewrap('add', 'age1new', $1)", [REASON])
    expect(await bob.run("select * from vault.wrapped_page($1, '', 10)", [job?.["id"]])).toEqual([])
    await bob.run("commit")
    expect(await bob.run("select * from vault.wrapped_page($1, '', 10)", [job?.["id"]])).toHaveLength(2)
  })
})
