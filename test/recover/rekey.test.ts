import { createHash } from "node:crypto"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { countMaskKeyUse, listMaskKeys } from "../../src/recover/key-ring.ts"
import { type Rekeying, rekey } from "../../src/recover/rekey.ts"
import { recoverInOneStep } from "../../src/recover/release.ts"
import { createTokenOf } from "../../src/recover/token-of.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { LOGIN, login } from "../shape.ts"
import { auditLog, MASK_KEY, REASON, session } from "./setup.ts"
import { openWriter, type Writer } from "./writer.ts"

const WHY = { reason: REASON, ticket: "SEC-7" }
const NEW_KEY = { id: "k2", bytes: new Uint8Array(32).map((_, index) => 200 - index) }

let database: TestDatabase
let keeper: Database
let recoverer: Database
let writer: Writer

async function setUp() {
  database = await createDatabase()
  const open = async (role: string) => openDatabase((await database.login(role)).address, { poolSize: 2 })
  keeper = await open("peppermill_keeper")
  recoverer = await open("peppermill_recoverer")
  writer = await openWriter(database)
  await database.query("insert into peppermill.mask_keys (id, check_value) values ('k1', 'a'), ('k2', 'b')")
  return async () => {
    await writer[Symbol.asyncDispose]()
    await keeper.destroy()
    await recoverer.destroy()
    await database.drop()
  }
}

function work(change: Partial<Rekeying> = {}): Rekeying {
  return {
    from: MASK_KEY,
    to: NEW_KEY,
    shape: LOGIN,
    identities: [writer.identity],
    recipients: [writer.recipient],
    retrySeconds: 0,
    chunk: 7,
    ...change,
  }
}

/** People who share addresses and devices. */
const people = (count: number, from = 0) =>
  Array.from({ length: count }, (_, at) => {
    const n = from + at
    return login({ user_id: `u-${n % 23}`, ip: `203.0.113.${n % 11}`, device_id: `device ${n % 17}` })
  })

/** Which rows share a token, in each masked column, whatever the tokens are. */
async function classes(): Promise<string> {
  const rows = await database.query<{ ctid: string; ip: string; device: string }>(
    "select user_id, masked_ip as ip, masked_device_id as device from user_logins order by user_id, masked_ip, masked_device_id",
  )
  const shape = (column: "ip" | "device") => {
    const members = Map.groupBy(rows, (row) => row[column])
    const names = [...members.values()].map((list) =>
      list
        .map((row) => row["user_id" as never])
        .sort()
        .join(),
    )
    return names.sort()
  }
  return createHash("sha256")
    .update(JSON.stringify([shape("ip"), shape("device")]))
    .digest("hex")
}

const count = async (from: string) =>
  (await database.query<{ n: number }>(`select count(*)::int as n from ${from}`))[0]?.n
const under = (key: string) =>
  count(`user_logins where masked_ip like '${key}:%' or masked_device_id like '${key}:%'`)

describe("rekey", () => {
  beforeEach(setUp)

  test("moves every row and original to the new key, and retires the old one", async () => {
    await writer.write(...people(60))
    const [before, originals] = [await classes(), await count("vault.originals")]
    const result = await rekey(keeper, WHY, work())
    expect(result).toEqual({
      retired: true,
      originals,
      events: 120,
      classes: 28,
      unopened: 0,
      eventsLeft: 0,
      tokensLeft: 0,
      originalsLeft: 0,
    })
    expect(await classes()).toBe(before)
    expect(await under("k1")).toBe(0)
    expect(await count("vault.originals")).toBe(originals)
    expect(await count("vault.originals where token like 'k1:%'")).toBe(0)
    expect(await count("vault.rekeyed")).toBe(0)
    expect(await listMaskKeys(keeper)).toMatchObject([
      { id: "k1", retiredAtMs: expect.any(Number) },
      { id: "k2", retiredAtMs: null },
    ])
    expect(await countMaskKeyUse(keeper, LOGIN)).toEqual([{ id: "k2", events: 120, originals }])
    expect((await auditLog(database)).map(({ action, outcome }) => `${action} ${outcome}`)).toEqual([
      "rekey begun",
      "rekey retired",
    ])
  })

  test("gives back the same originals afterwards, with tokens that agree", async () => {
    await writer.write(login({ ip: "::ffff:203.0.113.1", device_id: "\u00e9\ud83d\ude00" }))
    await rekey(keeper, WHY, work())
    const wanted = { tokens: [], subject: "u-1", ...WHY }
    const tokenOf = createTokenOf([NEW_KEY], LOGIN)
    const { originals } = await recoverInOneStep(recoverer, wanted, {
      table: LOGIN.table,
      identities: [writer.identity],
      tokenOf,
    })
    expect(originals.map(({ field, value, verified }) => ({ field, value, verified }))).toEqual([
      { field: "device_id", value: "\u00e9\ud83d\ude00", verified: true },
      { field: "ip", value: "::ffff:203.0.113.1", verified: true },
    ])
  })

  test("interrupted anywhere and run again, keeps the same classes and leaves no row under the old key", async () => {
    await writer.write(...people(60))
    const before = await classes()
    // Every seventh statement fails, whichever it is, in mid-transaction.
    await database.query(`create sequence public.kills; grant usage on sequence public.kills to public;
      create function public.kill() returns trigger language plpgsql as $$
      begin
        if nextval('public.kills') % 7 = 0 then raise exception using errcode = '57P01'; end if;
        return null;
      end $$`)
    for (const place of [
      "insert on vault.rekeyed",
      "insert or delete on vault.originals",
      "update on public.user_logins",
      "insert on vault.audit",
      "update on peppermill.mask_keys",
    ]) {
      await database.query(
        `create trigger kill after ${place} for each statement execute function public.kill()`,
      )
    }
    let failures = 0
    for (;;) {
      try {
        expect(await rekey(keeper, WHY, work())).toMatchObject({ retired: true })
        break
      } catch (error) {
        expect(error).toMatchObject({ kind: "unavailable" })
        if (++failures > 100) throw error
      }
      expect(await classes()).toBe(before)
    }
    expect(failures).toBeGreaterThan(5)
    expect(await classes()).toBe(before)
    expect(await under("k1")).toBe(0)
    expect(await count("vault.originals where token like 'k1:%'")).toBe(0)
  }, 120_000)

  test("joins a person's old rows with those a writer stored under the new key meanwhile", async () => {
    await writer.write(...people(30))
    await using next = await openWriter(database, NEW_KEY)
    await next.write(...people(30))
    const result = await rekey(keeper, WHY, work({ identities: [writer.identity, next.identity] }))
    expect(result).toMatchObject({ retired: true })
    expect(await count("user_logins")).toBe(60)
    expect(await database.query("select count(distinct masked_ip)::int as n from user_logins")).toEqual([
      { n: 11 },
    ])
  })

  test("does not retire the old key while a row has no original, and says how many", async () => {
    await writer.write(...people(20))
    await database.query("delete from vault.originals where field = 'ip'")
    const result = await rekey(keeper, WHY, work())
    expect(result).toMatchObject({ retired: false, eventsLeft: 20, tokensLeft: 11, originalsLeft: 0 })
    expect(await listMaskKeys(keeper)).toMatchObject([{ id: "k1", retiredAtMs: null }, {}])
    // The old originals are still there: nothing was thrown away before the end.
    expect(await count("vault.originals where token like 'k1:%'")).toBeGreaterThan(0)
  })

  test("moves nothing that does not open, or does not give its token", async () => {
    await writer.write(...people(3))
    await using stranger = await openWriter(database)
    expect(await rekey(keeper, WHY, work({ identities: [stranger.identity] }))).toMatchObject({
      retired: false,
      unopened: 6,
      events: 0,
    })
    const wrongKey = { id: "k1", bytes: NEW_KEY.bytes }
    let chunks = 0
    const onProgress = () => void chunks++
    expect(await rekey(keeper, WHY, work({ from: wrongKey, onProgress }))).toMatchObject({
      unopened: 6,
      events: 0,
    })
    expect(chunks).toBe(0)
    expect(await under("k2")).toBe(0)
  })

  test("tells after each chunk how far it has come", async () => {
    await writer.write(...people(20))
    const told: number[][] = []
    const onProgress = (...moved: number[]) => void told.push(moved)
    const result = await rekey(keeper, WHY, work({ onProgress }))
    expect(told.length).toBeGreaterThan(2)
    expect(told[0]?.[0]).toBe(7)
    expect(told.map(([originals = 0]) => originals)).toEqual(
      told.map(([originals = 0]) => originals).sort((a, b) => a - b),
    )
    expect(told.at(-1)).toEqual([result.originals, result.events])
  })

  test("leaves an original whose field is masked no more, or whose data key is gone", async () => {
    await writer.write(...people(3))
    const fields = LOGIN.fields.map((field) => (field.name === "ip" ? { ...field, mask: false } : field))
    expect(await rekey(keeper, WHY, work({ shape: { ...LOGIN, fields } }))).toMatchObject({
      originals: 3,
      unopened: 3,
      retired: false,
    })
    await database.query("delete from vault.data_keys")
    expect(await rekey(keeper, WHY, work())).toMatchObject({ originals: 0, unopened: 3, originalsLeft: 3 })
  })

  test("ends when its day is over, and says that it can be run again", async () => {
    await writer.write(...people(20))
    const overnight = () => database.query("update vault.jobs set started_at = started_at - interval '1 day'")
    let waiting: Promise<unknown> = Promise.resolve()
    // The keeper's next transaction waits for the row of the job.
    const onProgress = () => {
      waiting = overnight()
    }
    const expired = rekey(keeper, WHY, work({ onProgress, chunk: 1 }))
    await expect(expired).rejects.toMatchObject({
      kind: "permission",
      hint: expect.stringContaining("run it again"),
    })
    await waiting
    expect(await rekey(keeper, WHY, work())).toMatchObject({ retired: true })
  })

  test("says that equal tokens would not have stayed equal, when the database finds it so", async () => {
    await writer.write(...people(2))
    await database.query(`create function public.torn() returns trigger language plpgsql as $$
      begin raise exception using errcode = 'PM002'; end $$;
      create trigger torn after update on public.user_logins for each statement execute function public.torn()`)
    await expect(rekey(keeper, WHY, work())).rejects.toMatchObject({
      kind: "data",
      message: expect.stringContaining("rolled back"),
      hint: expect.stringContaining("run it again"),
    })
    // Any other failure is told as what it is.
    await database.query(`create or replace function public.torn() returns trigger language plpgsql as $$
      begin raise exception using errcode = '53100'; end $$`)
    await expect(rekey(keeper, WHY, work())).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("53100"),
    })
    expect(await under("k2")).toBe(0)
  })

  test("leaves an original whose value is none of its field any more", async () => {
    await writer.write(...people(3))
    const fields = LOGIN.fields.map((field) =>
      field.name === "device_id" ? { ...field, type: "ip" as const } : field,
    )
    expect(await rekey(keeper, WHY, work({ shape: { ...LOGIN, fields } }))).toMatchObject({
      originals: 3,
      unopened: 3,
    })
  })

  test("keeps the age of an original, by which it will be pruned", async () => {
    await writer.write(...people(1))
    await database.query("update vault.originals set created_at = '2020-01-01'")
    await rekey(keeper, WHY, work())
    expect(await count("vault.originals where created_at = '2020-01-01'")).toBe(2)
  })

  test("brings nobody back who is erased meanwhile", async () => {
    await writer.write(...people(60))
    await using clerk = await session(database, "peppermill_eraser")
    const erase = async () => {
      // The count may change under way, and then it is refused.
      for (;;) {
        const [answer] = await clerk.run<{ status: string }>(
          `select status from vault.erase('u-5', '{}',
            (select coalesce(sum(originals), 0) from vault.erase_preview('u-5'))::bigint, false, $1)`,
          [REASON],
        )
        if (answer?.status === "erased") return
      }
    }
    let erasing: Promise<void> | undefined
    const onProgress = () => {
      erasing ??= erase()
    }
    await rekey(keeper, WHY, work({ onProgress }))
    expect(erasing).toBeDefined()
    await erasing
    const [answer] = await clerk.run("select count(*)::int as n from vault.erase_preview('u-5')")
    expect(answer).toEqual({ n: 0 })
  })

  test("forgets the twin of an original that is deleted, and moves it again when it is back", async () => {
    await writer.write(...people(3))
    await database.query("delete from vault.originals where field = 'ip'")
    await rekey(keeper, WHY, work())
    expect(await count("vault.rekeyed")).toBe(3)
    await database.query("delete from vault.originals where field = 'device_id'")
    expect(await count("vault.rekeyed")).toBe(0)
    await using again = await openWriter(database)
    await again.write(...people(3))
    expect(await rekey(keeper, WHY, work({ identities: [again.identity] }))).toMatchObject({ retired: true })
    expect(await under("k1")).toBe(0)
  })

  test("is refused for keys that the database does not know", async () => {
    await expect(rekey(keeper, WHY, work({ to: { ...NEW_KEY, id: "k3" } }))).rejects.toThrow("does not know")
    await expect(rekey(keeper, WHY, work({ to: MASK_KEY }))).rejects.toThrow("same key")
  })
})

describe("the database", () => {
  beforeEach(setUp)

  test("rolls back a chunk that would join two tokens or tear one apart", async () => {
    await writer.write(...people(4))
    await using bob = await session(database, "peppermill_keeper")
    const [job] = await bob.run("select id from vault.begin_rekey('user_logins', 'k1', 'k2', $1)", [REASON])
    const rows = await bob.run<{ subject: string; field: string; token: string }>(
      "select * from vault.rekey_page($1, '', '', '', 100)",
      [job?.["id"]],
    )
    const ips = rows.filter(({ field }) => field === "ip").slice(0, 2)
    const send = (news: readonly string[]) =>
      bob.run("select * from vault.rekey($1, $2, $3, $4, $5, $6, $6)", [
        job?.["id"],
        ips.map(({ subject }) => subject),
        ips.map(({ field }) => field),
        ips.map(({ token }) => token),
        news,
        ips.map(() => Buffer.alloc(16)),
      ])
    const token = (digit: string) => `k2:${digit.repeat(64)}`
    await expect(send([token("a"), token("a")])).rejects.toMatchObject({ code: "PM002" })
    await expect(send(["k1:x", "k2:x"])).rejects.toMatchObject({ code: "PM002" })
    await expect(send(["203.0.113.1", "203.0.113.2"])).rejects.toMatchObject({ code: "PM002" })
    expect(await send([token("a"), token("b")])).toMatchObject([{ status: "done" }])
    await expect(send([token("a"), token("c")])).rejects.toMatchObject({ code: "PM002" })
  })

  test("hands out nothing before the job is on record", async () => {
    await writer.write(...people(1))
    await using bob = await session(database, "peppermill_keeper")
    await bob.run("begin")
    const [job] = await bob.run("select id from vault.begin_rekey('user_logins', 'k1', 'k2', $1)", [REASON])
    expect(await bob.run("select * from vault.rekey_page($1, '', '', '', 10)", [job?.["id"]])).toEqual([])
    await bob.run("rollback")
    expect(await bob.run("select * from vault.rekey_page($1, '', '', '', 10)", [job?.["id"]])).toEqual([])
  })
})

describe("roles", () => {
  let database: TestDatabase

  beforeAll(async () => {
    database = await createDatabase()
  })

  afterAll(() => database.drop())

  test.each([
    ["peppermill_recoverer", "select vault.begin_rekey('user_logins', 'k1', 'k2', 'a good reason')"],
    ["peppermill_eraser", "select vault.begin_rekey('user_logins', 'k1', 'k2', 'a good reason')"],
    ["peppermill_writer", "select vault.begin_rekey('user_logins', 'k1', 'k2', 'a good reason')"],
    ["peppermill_writer", "select vault.begin_rewrap('add', 'age1', 'a good reason')"],
    ["peppermill_recoverer", "select vault.begin_rewrap('add', 'age1', 'a good reason')"],
    ["peppermill_keeper", "update user_logins set masked_ip = 'x'"],
    ["peppermill_keeper", "select * from user_logins"],
    ["peppermill_keeper", "delete from vault.originals"],
    ["peppermill_keeper", "update vault.data_keys set wrapped = ''"],
    ["peppermill_keeper", "update peppermill.mask_keys set retired_at = now()"],
  ])("%s may not: %s", async (role, statement) => {
    await expect(database.query(`set role ${role}; ${statement}`)).rejects.toMatchObject({ code: "42501" })
  })
})
