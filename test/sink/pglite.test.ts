import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { sql } from "kysely"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { initDatabase } from "../../src/sink/init.ts"
import { checkMaskKeys } from "../../src/sink/mask-keys.ts"
import { createPostgresSink } from "../../src/sink/postgres.ts"
import { pruneLedger } from "../../src/sink/prune.ts"
import type { Sink } from "../../src/sink/sink.ts"
import { LOGIN } from "../shape.ts"
import { batch, DATA_KEY_ID, messageId, reject, row, rows, STORE_DATA_KEY, tokenOf } from "./setup.ts"

const settings = { retrySeconds: 1, vault: true }
const never = () => {}

async function countLogins(db: Database): Promise<unknown> {
  return (await sql`select count(*)::int as n from user_logins`.execute(db)).rows
}

// Starting it compiles 20 MB of WebAssembly.
const SLOW = 120_000

describe("the embedded database", () => {
  let db: Database
  let sink: Sink

  beforeAll(async () => {
    db = await openDatabase({ kind: "pglite", directory: null }, { poolSize: 4 })
    sink = createPostgresSink(db, LOGIN, settings)
    await initDatabase(db, LOGIN, { partitioned: "month" })
    await sql.raw(STORE_DATA_KEY).execute(db)
  }, SLOW)
  afterAll(() => sink.close())

  test("is found complete by a second init and by the preflight", async () => {
    const steps = await initDatabase(db, LOGIN, { partitioned: null })
    expect(new Set(steps.map(({ outcome }) => outcome))).toEqual(new Set(["exists"]))
    await sink.check()
    await checkMaskKeys(db, [{ id: "k1", checkValue: "aa" }], "k1")
    await expect(checkMaskKeys(db, [{ id: "k1", checkValue: "bb" }], "k1")).rejects.toThrow(UserError)
  })

  test("stores rows, originals and rejects, and finds a bad row", async () => {
    const original = { subject: "u", field: "ip", token: tokenOf("ip"), dataKeyId: DATA_KEY_ID }
    const given = [...rows(5), row(5, { originals: [{ ...original, sealed: Uint8Array.of(0x5c, 0) }] })]
    given.push(row(6, { plain: ["u", "d".repeat(33), null, 1] }))
    expect(await sink.write(batch(given, [reject(7)]), never)).toEqual({
      stored: 6,
      duplicates: 0,
      quarantined: 1,
      originals: 1,
      erasures: 0,
      refused: [{ messageId: messageId(6), sqlState: "22001", column: undefined }],
    })
    expect(await countLogins(db)).toEqual([{ n: 6 }])
    const { rows: kept } = await sql`select data_key, sealed from vault.originals`.execute(db)
    expect(kept).toEqual([{ data_key: DATA_KEY_ID, sealed: Uint8Array.of(0x5c, 0) }])
  })

  test("does not mix the transactions of batches that are written at the same time", async () => {
    const bad = (n: number) => row(n, { plain: ["u", "d".repeat(33), null, 1] })
    const written = await Promise.all(
      Array.from({ length: 8 }, (_, index) => {
        const from = 100 + index * 10
        return sink.write(batch([...rows(9, from), bad(from + 9)]), never)
      }),
    )
    expect(written.map(({ stored, refused }) => [stored, refused.length])).toEqual(Array(8).fill([9, 1]))
    expect(await countLogins(db)).toEqual([{ n: 6 + 72 }])
  })

  test("forgets messages that cannot come again", async () => {
    await sql`update peppermill.ledger set committed_at = now() - interval '16 days'
      where message_id = any (${[messageId(0), messageId(1)]}::uuid[])`.execute(db)
    expect(await pruneLedger(db)).toBe(2)
  })
})

test(
  "a directory keeps an embedded database's rows from one run to the next",
  async () => {
    const directory = await mkdtemp(join(tmpdir(), "peppermill-pglite-"))
    try {
      for (const expected of [{ stored: 3 }, { duplicates: 3 }]) {
        const db = await openDatabase({ kind: "pglite", directory }, { poolSize: 1 })
        const sink = createPostgresSink(db, LOGIN, { ...settings, vault: false })
        await initDatabase(db, LOGIN, { partitioned: null })
        expect(await sink.write(batch(rows(3)), never)).toMatchObject(expected)
        await sink.close()
      }
    } finally {
      await rm(directory, { recursive: true, force: true })
    }
  },
  2 * SLOW,
)
