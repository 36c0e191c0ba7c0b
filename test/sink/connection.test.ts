import { execFile } from "node:child_process"
import { createServer } from "node:net"
import { inspect, promisify } from "node:util"
import { sql } from "kysely"
import { afterEach, describe, expect, test, vi } from "vitest"
import type { PostgresAddress } from "../../src/config/database-address.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { judge } from "../../src/sink/database-error.ts"
import { createEmptyDatabase } from "../database.ts"
import { openWire } from "./setup.ts"

afterEach(() => {
  vi.unstubAllEnvs()
})

async function using<T>(address: PostgresAddress, work: (db: Database) => Promise<T>): Promise<T> {
  const db = await openDatabase(address, { poolSize: 2 })
  return await work(db).finally(() => db.destroy())
}

/** What a process of its own prints that has opened the database as `db`. */
async function runScript(
  address: PostgresAddress,
  script: string,
  env: NodeJS.ProcessEnv = {},
): Promise<string> {
  const module = new URL("../../src/sink/connection.ts", import.meta.url).href
  const whole = `
    const { openDatabase } = await import(${JSON.stringify(module)})
    const db = await openDatabase(${JSON.stringify(address)}, { poolSize: 1 })
    ${script}`
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--input-type=module", "--disable-warning=ExperimentalWarning", "--eval", whole],
    { env: { ...process.env, ...env }, timeout: 20_000 },
  )
  return stdout
}

describe("the environment", () => {
  const hostile = {
    PGHOST: "127.0.0.2",
    PGPORT: "1",
    PGUSER: "nobody",
    PGDATABASE: "nowhere",
    PGPASSWORD: "postgres",
    PGPASSFILE: "/nowhere",
    PGSSLMODE: "no-verify",
    PGSSLNEGOTIATION: "direct",
    PGAPPNAME: "somebody-else",
    PGOPTIONS: "-c statement_timeout=1 -c search_path=evil -c default_transaction_read_only=on",
    PGREPLICATION: "database",
    PGCLIENT_ENCODING: "LATIN1",
    PGCONNECT_TIMEOUT: "0",
    PGBINARY: "1",
  }

  test("does not decide to whom we connect, as whom, or how", async () => {
    await using database = await createEmptyDatabase()
    const { user } = database.address
    for (const [name, value] of Object.entries(hostile)) vi.stubEnv(name, value)
    const [session] = await using(database.address, async (db) => {
      const { rows } = await sql<Record<string, string>>`
        select current_user as user, current_database() as database,
          current_setting('application_name') as application, current_setting('client_encoding') as encoding,
          current_setting('statement_timeout') as statement, current_setting('lock_timeout') as lock,
          current_setting('idle_in_transaction_session_timeout') as idle,
          current_setting('search_path') as path, current_setting('transaction_read_only') as readonly`.execute(
        db,
      )
      return rows
    })
    vi.unstubAllEnvs()
    expect(session).toEqual({
      user,
      database: database.address.database,
      application: "peppermill-test",
      encoding: "UTF8",
      statement: "30s",
      lock: "10s",
      idle: "10s",
      path: '"$user", public',
      readonly: "off",
    })
  })

  test("does not choose the driver", async () => {
    await using database = await createEmptyDatabase()
    const stdout = await runScript(
      database.address,
      `await db.connection().execute(async () => console.log("connected"))
       await db.destroy()`,
      { NODE_PG_FORCE_NATIVE: "1" },
    )
    expect(stdout).toBe("connected\n")
    // Nor for a driver that somebody loads later.
    vi.stubEnv("NODE_PG_FORCE_NATIVE", "1")
    await using(database.address, async () => {})
    expect(process.env["NODE_PG_FORCE_NATIVE"]).toBeUndefined()
  })

  test("does not lend a password to an address that has none", async () => {
    await using database = await createEmptyDatabase()
    vi.stubEnv("PGPASSWORD", database.address.password)
    await expect(
      using({ ...database.address, password: "" }, (db) => sql`select 1`.execute(db)),
    ).rejects.toThrow(/password/)
  })
})

test("a database and what it throws do not show the password", async () => {
  await using database = await createEmptyDatabase()
  const address = { ...database.address, password: "hunter2-secret" }
  await using(address, async (db) => {
    const error = await sql`select 1`.execute(db).catch((thrown: unknown) => thrown)
    for (const shown of [db, error]) {
      expect(inspect(shown, { depth: 12, showHidden: true })).not.toContain("hunter2-secret")
    }
  })
})

test("a server that takes the connection and says nothing is given up after the connect time", async () => {
  const silent = createServer(() => {})
  await new Promise<void>((resolve) => silent.listen(0, "127.0.0.1", resolve))
  const bound = silent.address()
  const port = typeof bound === "object" && bound !== null ? bound.port : 0
  const base: PostgresAddress = {
    kind: "postgres",
    host: "127.0.0.1",
    port,
    user: "u",
    password: "p",
    database: "d",
    tls: null,
    caFile: null,
    applicationName: "peppermill-test",
  }
  for (const tls of [null, { rejectUnauthorized: true } as const]) {
    const db = await openDatabase({ ...base, tls }, { poolSize: 1, timeouts: { connectMs: 300 } })
    const startedMs = performance.now()
    await expect(sql`select 1`.execute(db)).rejects.toThrow(/timeout/)
    expect(performance.now() - startedMs).toBeLessThan(5_000)
    await db.destroy()
  }
  silent.close()
})

test("a query that gets no answer ends within its time, and its connection is not used again", async () => {
  await using database = await createEmptyDatabase()
  await using wire = await openWire(database.address)
  const db = await openDatabase(wire.address, { poolSize: 1, timeouts: { queryMs: 300 } })
  await sql`select 1`.execute(db)
  wire.onServer = () => "swallow"
  const startedMs = performance.now()
  await expect(db.transaction().execute((tx) => sql`select 2`.execute(tx))).rejects.toThrow(
    "Query read timeout",
  )
  expect(performance.now() - startedMs).toBeLessThan(5_000)
  wire.onServer = () => "pass"
  await sql`select 3`.execute(db)
  expect(wire.connections).toBe(2)
  await db.destroy()
})

test("the rollback that follows a failure does not hide it", async () => {
  await using database = await createEmptyDatabase()
  await using(database.address, async (db) => {
    const killed = db
      .transaction()
      .execute((tx) => sql`select pg_terminate_backend(pg_backend_pid())`.execute(tx))
    await expect(killed).rejects.toMatchObject({ code: "57P01" })
  })
})

test("closing ends, and lets the process end, although the server no longer answers", async () => {
  await using database = await createEmptyDatabase()
  await using wire = await openWire(database.address)
  wire.onServer = (chunk) => {
    if (chunk.includes("last words")) setTimeout(() => (wire.dead = true), 50)
    return "pass"
  }
  const stdout = await runScript(
    wire.address,
    `await db.executeQuery({ sql: "select 'last words'", parameters: [], query: { kind: "RawNode" } })
     await new Promise((resolve) => setTimeout(resolve, 300))
     const startedMs = Date.now()
     await db.destroy()
     process.on("exit", () => console.log(Date.now() - startedMs))`,
  )
  expect(wire.dead).toBe(true)
  expect(Number(stdout)).toBeLessThan(4_000)
})

test("closing hangs up on a server that no longer answers, within seconds", async () => {
  await using database = await createEmptyDatabase()
  await using wire = await openWire(database.address)
  const db = await openDatabase(wire.address, { poolSize: 2 })
  await sql`select 1`.execute(db)
  wire.dead = true
  const startedMs = performance.now()
  await db.destroy()
  expect(performance.now() - startedMs).toBeLessThan(4_000)
})

test("closing what answers takes no time, and leaves no session behind", async () => {
  await using database = await createEmptyDatabase()
  const db = await openDatabase(database.address, { poolSize: 2 })
  await Promise.all([sql`select 1`.execute(db), sql`select 2`.execute(db)])
  const sessions = () =>
    database.query(
      "select from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()",
    )
  expect(await sessions()).toHaveLength(2)
  const startedMs = performance.now()
  await db.destroy()
  expect(performance.now() - startedMs).toBeLessThan(1_500)
  // The server may take a moment to let go of what has hung up.
  await vi.waitFor(async () => expect(await sessions()).toEqual([]), 5_000)
})

test("a connection with a transaction left open is not handed to the next user", async () => {
  await using database = await createEmptyDatabase()
  const db = await openDatabase(database.address, { poolSize: 1 })
  const pid = async () =>
    (await sql<{ pid: number }>`select pg_backend_pid() as pid`.execute(db)).rows[0]?.pid
  const before = await pid()
  expect(await pid()).toBe(before)
  await sql`begin`.execute(db)
  expect(await pid()).not.toBe(before)
  await db.destroy()
})

test("a COMMIT that is answered with ROLLBACK is a failure", async () => {
  await using database = await createEmptyDatabase()
  await using(database.address, async (db) => {
    await sql`create table t (n int)`.execute(db)
    const committing = db.transaction().execute(async (tx) => {
      await sql`insert into t values (1)`.execute(tx)
      await sql`select 1 / 0`.execute(tx).catch(() => {})
    })
    const error = await committing.catch((thrown: unknown) => thrown)
    expect(judge(error)).toMatchObject({
      action: "retry",
      sqlState: undefined,
      userError: { kind: "unavailable", message: "PostgreSQL answered COMMIT with ROLLBACK" },
    })
    expect((await sql`select * from t`.execute(db)).rows).toEqual([])
  })
})

test("an embedded database is started as the settings say, in the directory of the address or in memory", async () => {
  for (const directory of [null, "/some/where"]) {
    const asked: unknown[] = []
    const openPGlite = async (where: string | null) => {
      asked.push(where)
      throw new Error("not today")
    }
    const db = await openDatabase({ kind: "pglite", directory }, { poolSize: 1, openPGlite })
    expect(asked).toEqual([])
    await expect(sql`select 1`.execute(db)).rejects.toThrow("not today")
    expect(asked).toEqual([directory])
  }
})

test("the death of a connection that nobody uses harms nobody", async () => {
  await using database = await createEmptyDatabase()
  await using(database.address, async (db) => {
    await db.connection().execute(async (held) => {
      await sql`select 1`.execute(held)
      await database.query(
        "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name = 'peppermill-test'",
      )
      await expect(sql`select 1`.execute(held)).rejects.toThrow()
    })
    expect((await sql<{ one: number }>`select 1 as one`.execute(db)).rows).toEqual([{ one: 1 }])
  })
})
