import { randomBytes } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Token } from "../../src/mask/token.ts"
import { initDatabase } from "../../src/sink/init.ts"
import { ErasedMeanwhile, type Row } from "../../src/sink/sink.ts"
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../database.ts"
import { field } from "../shape.ts"
import {
  batch,
  DATA_KEY_ID,
  impatientClock,
  injectFault,
  messageId,
  type OpenSink,
  openSink,
  openWire,
  reject,
  row,
  rows,
  SENT_AT_MS,
  STORE_DATA_KEY,
  tokenOf,
} from "./setup.ts"

const counts = { stored: 0, duplicates: 0, quarantined: 0, originals: 0, erasures: null, refused: [] }

describe("a batch", () => {
  test("is stored column by column, with the UTC date of sending", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    const odd = row(1, { plain: ["a\"\\,{}'NULL", "null", null, 2_003_000], tokens: [tokenOf("x"), null] })
    const written = await s.write(batch([row(0, { sentAtMs: Date.UTC(2024, 1, 29) }), odd]))
    expect(written).toEqual({ ...counts, stored: 2 })
    const stored = await database.query(
      "select l.*, l.create_date::text from user_logins l order by l.create_date",
    )
    expect(stored).toEqual([
      {
        user_id: "user-0",
        device_type: "ios",
        masked_ip: tokenOf("ip-0"),
        masked_device_id: tokenOf("device-0"),
        locale: null,
        app_version: 2_003_000,
        create_date: "2024-02-29",
      },
      {
        user_id: "a\"\\,{}'NULL",
        device_type: "null",
        masked_ip: tokenOf("x"),
        masked_device_id: null,
        locale: null,
        app_version: 2_003_000,
        create_date: "2026-11-01",
      },
    ])
  })

  test("stores nothing twice, and counts what it knew already", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    await s.write(batch(rows(10)))
    expect(await s.write(batch(rows(15)))).toEqual({ ...counts, stored: 5, duplicates: 10 })
    expect(await s.write(batch(rows(15)))).toEqual({ ...counts, duplicates: 15 })
    expect(await database.query("select count(*)::int as n from user_logins")).toEqual([{ n: 15 }])
    expect(await database.query("select count(*)::int as n from peppermill.ledger")).toEqual([{ n: 15 }])
  })

  test("takes values of every type into a table of any shape", async () => {
    await using database = await createDatabase()
    const shape = {
      table: "Orders of 'ACME'.the \"events\"",
      subject: "who",
      fields: [
        field("who"),
        field("count", { type: "integer" }),
        field("amount", { type: "number" }),
        field("paid", { type: "boolean" }),
        field("at", { type: "timestamp" }),
        field("from", { type: "ip", nullable: true, column: "select" }),
        field("email", { mask: true, column: "c1" }),
      ],
      sentDate: null,
    }
    await using s = await openSink(database, { shape })
    await initDatabase(s.db, shape, { partitioned: null })
    await s.sink.check()
    const at = "2026-11-01T23:59:59.123456Z"
    const given = (n: number, plain: Row["plain"]) => row(n, { plain, tokens: [tokenOf(`${n}`)] })
    await s.write(
      batch([
        given(0, ["a", 2 ** 53 - 1, -0.1, true, at, "2001:db8::1"]),
        given(1, ["b", -1, 1e300, false, at, null]),
      ]),
    )
    const stored = await database.query(
      `select who, count::text, amount, paid, at at time zone 'utc' = '2026-11-01 23:59:59.123456' as at, "select", c1
       from "Orders of 'ACME'"."the ""events""" order by who`,
    )
    const one = { who: "a", count: String(2 ** 53 - 1), amount: -0.1, paid: true, at: true, c1: tokenOf("0") }
    const two = { who: "b", count: "-1", amount: 1e300, paid: false, at: true, c1: tokenOf("1") }
    expect(stored).toEqual([
      { ...one, select: "2001:db8::1" },
      { ...two, select: null },
    ])
  })

  test("of ten thousand rows is no problem", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    expect((await s.write(batch(rows(10_000)))).stored).toBe(10_000)
  })

  test("with nothing in it stores nothing", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    expect(await s.write(batch([]))).toEqual(counts)
  })

  test("may hold ids that are no UUIDs, and knows them again", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    const given = batch([row(1, { messageId: "m-1" }), row(2, { messageId: "m-2" })])
    expect((await s.write(given)).stored).toBe(2)
    expect((await s.write(given)).duplicates).toBe(2)
  })
})

describe("the gate before SQL", () => {
  const cases: readonly [string, readonly Row[]][] = [
    ["a clear value in a masked column", [row(0, { tokens: [tokenOf("a"), "203.0.113.9" as Token] })]],
    ["an unkeyed hash", [row(0, { tokens: [tokenOf("a").slice(3) as Token, null] })]],
    ["the same id twice", [row(0), row(1), row(0)]],
    [
      "the same id in two spellings",
      [
        row(0, { messageId: "A".repeat(8) + messageId(0).slice(8) }),
        row(0, { messageId: "a".repeat(8) + messageId(0).slice(8) }),
      ],
    ],
    ["a value too few", [row(0, { plain: ["u", "ios", null] })]],
    ["an object for a value", [row(0, { plain: [{} as string, "ios", null, 1] })]],
    ["undefined for a value", [row(0, { plain: [undefined as unknown as string, "ios", null, 1] })]],
    ["a number that is none", [row(0, { plain: ["u", "ios", null, Number.NaN] })]],
  ]
  let database: TestDatabase
  let s: OpenSink

  beforeAll(async () => {
    database = await createDatabase()
    s = await openSink(database)
  })
  afterAll(async () => {
    await s.sink.close()
    await database.drop()
  })

  test.each(cases)("refuses %s, and the whole batch with it", async (_, given) => {
    const error = await s.write(batch([...given, row(99)])).catch((thrown: unknown) => thrown)
    expect(String(error)).toMatch(/^Error: message /)
    expect(String(error)).not.toContain("203.0.113.9")
    expect(await database.query("select from peppermill.ledger")).toEqual([])
  })
})

describe("a row that PostgreSQL refuses", () => {
  test("is found at any position, and all the others are stored", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    for (const [round, at] of [0, 1, 24, 25, 48, 49].entries()) {
      const given = rows(50, round * 50)
      given[at] = row(round * 50 + at, { plain: ["u", "d".repeat(33), null, 1] })
      const written = await s.write(batch(given))
      const refused = { messageId: messageId(round * 50 + at), sqlState: "22001", column: undefined }
      expect(written).toEqual({ ...counts, stored: 49, refused: [refused] })
      expect(await s.write(batch(given))).toEqual({ ...counts, duplicates: 49, refused: [refused] })
    }
    expect(await database.query("select count(*)::int as n from user_logins")).toEqual([{ n: 6 * 49 }])
  })

  test("is named with its column where PostgreSQL knows it", async () => {
    await using database = await createDatabase()
    await database.query("alter table user_logins alter column locale set not null")
    await using s = await openSink(database)
    const written = await s.write(batch(rows(4)))
    expect(written.refused).toEqual([
      { messageId: messageId(0), sqlState: "23502", column: "locale" },
      { messageId: messageId(2), sqlState: "23502", column: "locale" },
    ])
    expect(written.stored).toBe(2)
  })

  test("does not spoil a whole batch of its kind", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    const given = rows(20).map((one) => ({ ...one, plain: ["u", "d".repeat(33), null, 1] }))
    const written = await s.write(batch(given))
    expect(written.stored).toBe(0)
    expect(written.refused.map((refused) => refused.messageId)).toEqual(given.map((one) => one.messageId))
  })

  test("for an index that cannot hold it is found like any other", async () => {
    await using database = await createEmptyDatabase()
    const shape = { table: "notes", subject: "note", fields: [field("note")], sentDate: null }
    await using s = await openSink(database, { shape })
    await initDatabase(s.db, shape, { partitioned: null })
    // Random, because what compresses well fits an index after all.
    const note = (n: number, bytes: number) =>
      row(n, { plain: [randomBytes(bytes).toString("base64")], tokens: [] })
    const written = await s.write(batch([note(0, 100), note(1, 6_000), note(2, 100)]))
    expect(written).toMatchObject({ stored: 2, refused: [{ messageId: messageId(1), sqlState: "54000" }] })
  })
})

describe("with the vault on", () => {
  const original = (n: number, subject = `user-${n}`) => ({
    subject,
    field: "ip",
    token: tokenOf(`ip-${n}`),
    dataKeyId: DATA_KEY_ID,
    sealed: Uint8Array.of(1, n, 0x5c, 0x27, 0xff),
  })

  test("originals and rejects are stored with the rows, by a writer that may read neither", async () => {
    await using database = await createDatabase()
    await database.query(STORE_DATA_KEY)
    await using s = await openSink(await database.login("peppermill_writer"), { vault: true })
    await s.sink.check()
    const given = batch(
      [row(1, { originals: [original(1)] }), row(3, { originals: [] })],
      [reject(2), reject(0)],
    )
    expect(await s.write(given)).toEqual({ ...counts, erasures: 0, stored: 2, quarantined: 2, originals: 1 })
    expect(
      await database.query("select subject, field, token, data_key, sealed from vault.originals"),
    ).toEqual([
      {
        subject: "user-1",
        field: "ip",
        token: tokenOf("ip-1"),
        data_key: Buffer.from(DATA_KEY_ID),
        sealed: Buffer.from([1, 1, 0x5c, 0x27, 0xff]),
      },
    ])
    const { messageId: id, reason, field: name, shape } = reject(0)
    expect(
      await database.query(
        "select message_id, reason, field, shape, data_key, sealed, sent_at from vault.quarantine order by 1 limit 1",
      ),
    ).toEqual([
      {
        message_id: id,
        reason,
        field: name,
        shape,
        data_key: Buffer.from(DATA_KEY_ID),
        sealed: Buffer.from([1, 0, 0x5c, 0xff]),
        sent_at: new Date(SENT_AT_MS),
      },
    ])
  })

  test("a known message brings nothing back into the vault", async () => {
    await using database = await createDatabase()
    await database.query(STORE_DATA_KEY)
    await using s = await openSink(database, { vault: true })
    const given = batch([row(1, { originals: [original(1)] })], [reject(2)])
    await s.write(given)
    await database.query("delete from vault.originals; delete from vault.quarantine")
    expect(await s.write(given)).toEqual({ ...counts, erasures: 1, duplicates: 2 })
    expect(await database.query("select from vault.originals")).toEqual([])
    expect(await database.query("select from vault.quarantine")).toEqual([])
  })

  test("one original is kept per subject, field and token, whoever brings it first", async () => {
    await using database = await createDatabase()
    await database.query(STORE_DATA_KEY)
    await using s = await openSink(database, { vault: true })
    const shared = (n: number) => row(n, { originals: [original(1, "same")] })
    expect((await s.write(batch([shared(1), shared(2)]))).originals).toBe(2)
    expect((await s.write(batch([shared(3)]))).stored).toBe(1)
    expect(await database.query("select subject from vault.originals")).toEqual([{ subject: "same" }])
  })

  test("a batch that counts on what was erased since is not stored, and one that does not is", async () => {
    await using database = await createDatabase()
    await database.query(STORE_DATA_KEY)
    await using s = await openSink(database, { vault: true })
    await s.write(batch([row(1, { originals: [original(1)] })]))
    await database.query("delete from vault.originals")
    const error = await s.write({ ...batch([row(2)]), erasures: 0 }).catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ErasedMeanwhile)
    expect(String(error)).toMatch(/^ErasedMeanwhile/)
    expect(s.retries).toEqual([])
    expect(await database.query("select from user_logins")).toHaveLength(1)
    expect(await s.write({ ...batch([row(2)]), erasures: 1 })).toMatchObject({ stored: 1, erasures: 1 })
  })

  test("the tables of the vault are asked for before the first batch", async () => {
    await using database = await createDatabase()
    await database.query("drop table vault.quarantine cascade")
    await using s = await openSink(database, { vault: true })
    await expect(s.sink.check()).rejects.toThrow("vault.quarantine does not exist")
  })

  test("a refused row leaves no original behind", async () => {
    await using database = await createDatabase()
    await database.query(STORE_DATA_KEY)
    await using s = await openSink(database, { vault: true })
    const bad = row(1, { plain: ["u", "d".repeat(33), null, 1], originals: [original(1)] })
    const written = await s.write(batch([bad, row(2, { originals: [original(2)] })]))
    expect(written).toMatchObject({ stored: 1, originals: 1 })
    expect(await database.query("select subject from vault.originals")).toEqual([{ subject: "user-2" }])
  })

  test("a reject that the quarantine refuses stops the run instead of coming round for ever", async () => {
    await using database = await createDatabase()
    await database.query(STORE_DATA_KEY)
    await using s = await openSink(database, { vault: true })
    const unstorable = s.write(batch([row(1)], [reject(2, { shape: "{\0}" })]))
    await expect(unstorable).rejects.toMatchObject({ name: "UserError" })
    await database.query("alter table vault.quarantine add check (reason <> 'missing')")
    await expect(s.write(batch([row(3)], [reject(4)]))).rejects.toMatchObject({
      name: "UserError",
      kind: "config",
    })
    expect(await database.query("select from vault.quarantine")).toEqual([])
  })

  test("a rule of the vault's own tables that does not hold is no row's fault: the run stops", async () => {
    await using database = await createDatabase()
    await database.query("alter table vault.originals add check (octet_length(sealed) < 2)")
    await using s = await openSink(database, { vault: true })
    const given = batch([row(1, { originals: [original(1)] }), row(2)])
    await expect(s.write(given)).rejects.toMatchObject({ name: "UserError", kind: "config" })
    expect(await database.query("select from user_logins")).toEqual([])
  })
})

describe("a failed transaction", () => {
  test.each(["40001", "40P01", "55P03", "57014"])(
    "is tried again after %s, at most five times",
    async (sqlState) => {
      await using database = await createDatabase()
      const clock = impatientClock()
      await using s = await openSink(database, { clock })
      await injectFault(database, sqlState, { times: 4 })
      expect((await s.write(batch(rows(3)))).stored).toBe(3)
      expect(s.retries.map((retry) => retry.sqlState)).toEqual([sqlState, sqlState, sqlState, sqlState])
      expect(clock.sleeps).toEqual(s.retries.map((retry) => retry.delayMs))

      await injectFault(database, sqlState)
      const error = await s.write(batch(rows(3, 10))).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ name: "UserError", kind: "unavailable" })
      expect(s.retries).toHaveLength(8)
      expect(await database.query("select from user_logins")).toHaveLength(3)
    },
  )

  test("is tried again on a new connection when its backend was killed", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    await s.write(batch([row(0)]))
    // Each try sleeps in a trigger, so that the killer finds it.
    await database.query(`
      create function nap() returns trigger language plpgsql as $$
      begin perform pg_sleep(0.5); return new; end $$;
      create trigger nap before insert on user_logins for each statement execute function nap()`)
    const writing = s.write(batch(rows(3, 1)))
    const kill = () =>
      database.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and application_name = 'peppermill-test' and wait_event = 'PgSleep'`,
      )
    while ((await kill()).length === 0) await sleep(10)
    expect((await writing).stored).toBe(3)
    expect(s.retries).toMatchObject([{ sqlState: "57P01", attempt: 1 }])
  })

  test("survives that every idle connection was killed", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database)
    await Promise.all([0, 1, 2, 3].map((n) => s.write(batch([row(n)]))))
    await database.query(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'peppermill-test'",
    )
    expect((await s.write(batch([row(4)]))).stored).toBe(1)
  })

  test("is written once although the reply to its COMMIT was lost, a hundred times over", async () => {
    await using database = await createDatabase()
    await using wire = await openWire(database.address)
    await using s = await openSink({ address: wire.address }, { clock: impatientClock() })
    let losing = false
    let committing = false
    wire.onClient = (chunk) => {
      committing = chunk.includes("commit")
      return "pass"
    }
    wire.onServer = (chunk) => {
      if (!losing || !committing || !chunk.includes("COMMIT")) return "pass"
      losing = false
      return "cut"
    }
    for (let n = 0; n < 100; n++) {
      losing = true
      const written = await s.write(batch(rows(3, n * 3)))
      // The first try stored them; the second finds that out.
      expect(written).toEqual({ ...counts, duplicates: 3 })
    }
    expect(s.retries).toHaveLength(100)
    expect(s.retries.every((retry) => retry.sqlState === undefined)).toBe(true)
    expect(await database.query("select from user_logins")).toHaveLength(300)
    expect(await database.query("select from peppermill.ledger")).toHaveLength(300)
  }, 120_000)

  test("ends within its time when the network swallows the answer, and goes through on the next connection", async () => {
    await using database = await createDatabase()
    await using wire = await openWire(database.address)
    await using s = await openSink(
      { address: wire.address },
      {
        clock: impatientClock(),
        database: { timeouts: { queryMs: 600, lockMs: 5_000, idleInTransactionMs: 800 } },
      },
    )
    await s.write(batch([row(0)]))
    let silent = false
    wire.onClient = (chunk) => {
      if (wire.connections === 1 && chunk.includes("peppermill.ledger")) silent = true
      return "pass"
    }
    wire.onServer = () => (silent && wire.connections === 1 ? "swallow" : "pass")
    const startedMs = performance.now()
    expect((await s.write(batch(rows(2, 1)))).stored).toBe(2)
    expect(performance.now() - startedMs).toBeLessThan(4_000)
    expect(s.retries.length).toBeGreaterThan(0)
    expect(wire.connections).toBeGreaterThan(1)
  })

  test("gives up when nobody answers for the retry time, and says so without a value", async () => {
    await using database = await createDatabase()
    await using wire = await openWire(database.address)
    wire.onServer = () => "cut"
    await using s = await openSink({ address: wire.address }, { retrySeconds: 0.3 })
    const startedMs = performance.now()
    const error = await s.write(batch([row(0)])).catch((thrown: unknown) => thrown)
    expect(performance.now() - startedMs).toBeLessThan(10_000)
    expect(error).toMatchObject({ name: "UserError", kind: "unavailable" })
    expect(s.retries.length).toBeGreaterThan(0)
  })

  test("hands on no open transaction: the next user of the connection starts clean", async () => {
    await using database = await createDatabase()
    await using s = await openSink(database, { database: { poolSize: 1 } })
    await injectFault(database, "P0001", { times: 1 })
    await expect(s.write(batch([row(0)]))).rejects.toThrow()
    expect((await s.write(batch([row(1)]))).stored).toBe(1)
    expect(await database.query("select user_id from user_logins")).toEqual([{ user_id: "user-1" }])
  })
})

describe("refused credentials", () => {
  async function rotate(times: number) {
    const database = await createDatabase()
    const { address } = await database.login("peppermill_writer")
    await database.query(`alter role ${address.user} password 'rotated'`)
    let rereads = 0
    let password = address.password
    const s = await openSink(
      { address },
      {
        database: { credentials: () => ({ user: address.user, password }) },
        reread: async () => {
          if (++rereads >= times) password = "rotated"
        },
      },
    )
    return { database, s, rereads: () => rereads }
  }

  test("are read once more, and the batch goes through with the new ones", async () => {
    const { database, s, rereads } = await rotate(1)
    expect((await s.write(batch([row(0)]))).stored).toBe(1)
    expect(rereads()).toBe(1)
    expect(s.retries).toMatchObject([{ sqlState: "28P01", delayMs: 0 }])
    await s.sink.close()
    await database.drop()
  })

  test("stop the run when the new ones are refused too", async () => {
    const { database, s, rereads } = await rotate(2)
    await expect(s.write(batch([row(0)]))).rejects.toMatchObject({ name: "UserError", kind: "permission" })
    expect(rereads()).toBe(1)
    await s.sink.close()
    await database.drop()
  })
})

test("several writers share a table: each message is stored once, and no deadlock surfaces", async () => {
  await using database = await createDatabase()
  await database.query(STORE_DATA_KEY)
  await using one = await openSink(database, { vault: true })
  await using two = await openSink(database, { vault: true })
  const shared = (n: number) => {
    const token = tokenOf(`ip-${n % 7}`)
    const original = {
      subject: `s-${n % 5}`,
      field: "ip",
      token,
      dataKeyId: DATA_KEY_ID,
      sealed: Uint8Array.of(2),
    }
    return row(n, { originals: [original] })
  }
  const all = Array.from({ length: 400 }, (_, n) => shared(n))
  const shuffled = (seed: number) => all.toSorted((a, b) => order(a, seed) - order(b, seed))
  const results = await Promise.all(
    [one, two].flatMap((s, which) =>
      [0, 1, 2, 3].map((part) => s.write(batch(shuffled(which).slice(part * 100, part * 100 + 100)))),
    ),
  )
  expect(results.reduce((sum, { stored }) => sum + stored, 0)).toBe(400)
  expect(results.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(400)
  expect(await database.query("select from user_logins")).toHaveLength(400)
  expect([...one.retries, ...two.retries].filter((retry) => retry.sqlState === "40P01")).toEqual([])
})

function order({ messageId: id }: Row, seed: number): number {
  return (Number(id.slice(-6)) * (seed === 0 ? 7 : 13)) % 401
}
