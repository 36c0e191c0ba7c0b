import { setTimeout as sleep } from "node:timers/promises"
import { sql } from "kysely"
import { afterAll, beforeAll, expect, test } from "vitest"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { pruneVault, retentionStatement, storeRetention } from "../../src/sink/prune-vault.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { auditLog } from "../recover/setup.ts"

let database: TestDatabase
let writer: Database
let owner: Database

beforeAll(async () => {
  database = await createDatabase()
  writer = await openDatabase((await database.login("peppermill_writer")).address, { poolSize: 1 })
  owner = await openDatabase(database.address, { poolSize: 1 })
  await database.query(`
    insert into vault.data_keys (id, recipients, wrapped, created_at)
      select decode(repeat(n, 16), 'hex'), '{}', '', now() - interval '100 days'
      from unnest(array['01', '02', '03']) as given (n);
    insert into vault.data_keys (id, recipients, wrapped) values (decode(repeat('04', 16), 'hex'), '{}', '');
    insert into vault.originals (subject, field, token, data_key, sealed, created_at)
      select 'u-' || n, 'ip', 'k1:', decode(repeat(case when n < 40 then '01' else '02' end, 16), 'hex'), '',
        now() - make_interval(days => n) from generate_series(0, 79) as n;
    insert into vault.quarantine (message_id, reason, field, shape, data_key, sealed, sent_at, created_at)
      select gen_random_uuid(), 'missing', 'ip', '', decode(repeat('01', 16), 'hex'), '', now(),
        now() - make_interval(days => n) from generate_series(0, 79, 10) as n`)
})

afterAll(async () => {
  await writer.destroy()
  await owner.destroy()
  await database.drop()
})

const days = async (table: string) =>
  (await database.query<{ n: number }>(`select count(*)::int as n from vault.${table}`))[0]?.n

test("waits for its turn before it deletes, so that an erasure and it never wait for each other", async () => {
  await using other = await createDatabase()
  const db = await openDatabase(other.address, { poolSize: 2 })
  await storeRetention(db, 30)
  await other.query(`insert into vault.originals (subject, field, token, data_key, sealed, created_at)
    values ('u-1', 'ip', 'k1:', '', '', now() - interval '60 days')`)
  let pruning: Promise<unknown> = Promise.resolve()
  await db.transaction().execute(async (erasure) => {
    await sql`select vault.take_turn()`.execute(erasure)
    pruning = pruneVault(db)
    // Until the other session waits for a lock, it has not come far enough to be in the way.
    const waiting = async () => await other.query("select from pg_locks where not granted")
    while ((await waiting()).length === 0) await sleep(20)
    await sql`delete from vault.originals where subject = 'u-1'`.execute(erasure)
  })
  expect(await pruning).toMatchObject({ originals: 0 })
  await db.destroy()
})

test("keeps everything where no time is set", async () => {
  expect(await pruneVault(writer)).toEqual({ originals: 0, quarantined: 0, dataKeys: 0 })
  expect(await days("originals")).toBe(80)
})

test("deletes what is older than the days stored, with the data keys that are of no more use", async () => {
  await storeRetention(owner, 40)
  expect(await pruneVault(writer)).toEqual({ originals: 40, quarantined: 4, dataKeys: 2 })
  expect(await days("originals")).toBe(40)
  const keys = await database.query("select encode(id, 'hex') as id from vault.data_keys order by 1")
  // The first is in use, and a drain may be about to use the fourth.
  expect(keys).toEqual([{ id: "01".repeat(16) }, { id: "04".repeat(16) }])
})

test("is on record when it deleted something, as is a change of the days", async () => {
  const entries = (await auditLog(database)).map(({ action }) => action)
  expect(entries).toEqual(["policy", "prune"])
  await pruneVault(writer)
  await storeRetention(owner, 40)
  expect(await auditLog(database)).toHaveLength(2)
})

test("lets no writer choose the days", async () => {
  await expect(
    database.query("set role peppermill_writer; update vault.policy set retention_days = 1"),
  ).rejects.toMatchObject({ code: "42501" })
  await expect(database.query("set role peppermill_eraser; select vault.prune(1)")).rejects.toMatchObject({
    code: "42501",
  })
})

test("keeps all again once the days are taken back", async () => {
  await storeRetention(owner, 1)
  await storeRetention(owner, null)
  expect(await pruneVault(writer)).toEqual({ originals: 0, quarantined: 0, dataKeys: 0 })
})

test("goes on until nothing is left, however much there is of either", async () => {
  await using other = await createDatabase()
  const db = await openDatabase(other.address, { poolSize: 1 })
  await storeRetention(db, 30)
  for (const [originals, quarantined] of [
    [10_001, 1],
    [1, 20_001],
  ] as const) {
    await other.query(`
      insert into vault.originals (subject, field, token, data_key, sealed, created_at)
        select 'u-' || n, 'ip', 'k1:', '', '', now() - interval '60 days' from generate_series(1, ${originals}) as n;
      insert into vault.quarantine (message_id, reason, field, shape, data_key, sealed, sent_at, created_at)
        select gen_random_uuid(), 'missing', 'ip', '', '', '', now(), now() - interval '60 days'
        from generate_series(1, ${quarantined}) as n`)
    expect(await pruneVault(db)).toEqual({ originals, quarantined, dataKeys: 0 })
  }
  await db.destroy()
})

test("takes whole days, one at least", async () => {
  for (const wrong of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY]) {
    expect(() => retentionStatement(wrong)).toThrow("1 or more")
  }
  expect(retentionStatement(1)).toContain("retention_days = 1 ")
  await expect(storeRetention(writer, 1)).rejects.toMatchObject({ name: "UserError" })
})
