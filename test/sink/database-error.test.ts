import { once } from "node:events"
import { type AddressInfo, createServer } from "node:net"
import { inspect } from "node:util"
import { sql } from "kysely"
import pg from "pg"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { judge, safeDatabaseError, withSafeErrors } from "../../src/sink/database-error.ts"
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../database.ts"
import { report } from "../promises/report.ts"
import { batch, injectFault, type OpenSink, openSink, rows } from "./setup.ts"

describe("whatever SQLSTATE an insert fails with", () => {
  let database: TestDatabase
  let s: OpenSink
  let messages = 0

  function nextRows() {
    messages += 4
    return rows(4, messages)
  }

  beforeAll(async () => {
    database = await createDatabase()
    s = await openSink(database)
  })
  afterAll(async () => {
    await s.sink.close()
    await database.drop()
  })

  test.each(["25006", "42P01", "42703", "42501", "3D000", "53100", "53200", "58030", "XX000", "P0001"])(
    "%s stops the run: nothing is stored, nothing is tried again",
    async (code) => {
      await injectFault(database, code)
      const ledger = await database.query("select from peppermill.ledger")
      const error = await s.write(batch(nextRows())).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(UserError)
      expect(String(error)).toContain(code)
      expect(s.retries).toEqual([])
      expect(await database.query("select from peppermill.ledger")).toEqual(ledger)
    },
  )

  test.each(["22001", "22003", "22021", "22P02", "22P05", "23502", "23514", "21000"])(
    "%s costs the one row that causes it",
    async (code) => {
      const given = nextRows()
      await injectFault(database, code, { when: `new.user_id = '${given[2]?.plain[0]}'` })
      const written = await s.write(batch(given))
      expect(written).toMatchObject({ stored: 3, refused: [{ sqlState: code }] })
      expect(s.retries).toEqual([])
    },
  )
})

/** What must not be seen again, as text and as a number. */
const CANARY = "canary-3f9a"
const NUMBER = "314159265"

const SET_UP = `
  create type mood as enum ('ok');
  create domain small as text check (length(value) < 3);
  create table t (
    id int primary key, name varchar(4), n int check (n < 10), m mood, s small, j jsonb,
    d date, u uuid, a inet, b boolean, i interval, q text unique, required text not null default '',
    parent int references t, span int4range, exclude using gist (span with &&));
  insert into t (id, q, span) values (1, '${CANARY}', '[${NUMBER},${NUMBER}]');
  create table part (k text) partition by list (k);
  create function boom() returns void language plpgsql as $$
    begin raise exception '${CANARY}' using detail = '${CANARY}', hint = '${CANARY}'; end $$;
  create function deep() returns int language plpgsql as $$ begin return '${CANARY}'; end $$;`

/** Statements, the SQLSTATE they fail with, and the names that must be told. */
const FAILURES: readonly (readonly [statement: string, sqlState: string, ...names: string[]])[] = [
  [`insert into t (id, name) values (2, '${CANARY}')`, "22001"],
  [`insert into t (id, n) values (2, '${NUMBER}999999')`, "22003"],
  [`insert into t (id, n) values (2, '${CANARY}')`, "22P02"],
  [`insert into t (id, m) values (2, '${CANARY}')`, "22P02"],
  [`insert into t (id, u) values (2, '${CANARY}')`, "22P02"],
  [`insert into t (id, a) values (2, '${CANARY}')`, "22P02"],
  [`insert into t (id, b) values (2, '${CANARY}')`, "22P02"],
  [`insert into t (id, j) values (2, '${CANARY}')`, "22P02"],
  [`insert into t (id, span) values (2, '${CANARY}')`, "22P02"],
  [`select array['a', '${CANARY}']::int[]`, "22P02"],
  ["select deep()", "22P02"],
  [`insert into t (id, d) values (2, '${CANARY}')`, "22007"],
  [`insert into t (id, i) values (2, '${CANARY}')`, "22007"],
  [`insert into t (id, d) values (2, '2026-11-01 ${CANARY}/x'::text::date)`, "22023"],
  ["insert into t (id, d) values (2, '2026-31-41')", "22008"],
  [`select '{"a": "\\u0000 ${CANARY}"}'::jsonb`, "22P05"],
  [`select length('${CANARY}') / 0`, "22012"],
  [`select '${CANARY}' ~ '${CANARY}('`, "2201B"],
  [`select set_config('work_mem', '${CANARY}', true)`, "22023"],
  [
    `insert into t (id, q, required) values (2, '${CANARY}2', null)`,
    "23502",
    "column required",
    "table public.t",
  ],
  [`insert into t (id, parent) values (2, ${NUMBER})`, "23503", "constraint t_parent_fkey"],
  [`insert into t (id, q) values (2, '${CANARY}')`, "23505", "constraint t_q_key", "table public.t"],
  [
    `insert into t (id, q, n) values (2, '${CANARY}2', 10)`,
    "23514",
    "constraint t_n_check",
    "table public.t",
  ],
  [`insert into t (id, s) values (2, '${CANARY}')`, "23514", "constraint small_check"],
  [`insert into part values ('${CANARY}')`, "23514", "table public.part"],
  [`insert into t (id, span) values (2, '[1,${NUMBER}]')`, "23P01", "constraint t_span_excl"],
  [`select 1 "${CANARY}" "${CANARY}"`, "42601"],
  [`select "${CANARY}" from t`, "42703"],
  [`select 1::"${CANARY}"`, "42704"],
  [`select "${CANARY}"(1)`, "42883"],
  [`select * from "${CANARY}"`, "42P01"],
  [`create table "${CANARY}".t ()`, "3F000"],
  [`select * from "${CANARY}".public.t`, "0A000"],
  [`select (select q from (values ('${CANARY}'), ('b')) as two (q))`, "21000"],
  ["select boom()", "P0001"],
]

test("no failure says anything of a row: thirty-five failures with a canary in each", async () => {
  await using database = await createEmptyDatabase()
  await database.query(SET_UP)
  const client = new pg.Client({ connectionString: database.url })
  await client.connect()
  const leaks = (text: string) => text.includes(CANARY) || text.includes(NUMBER)
  const silent: string[] = []
  try {
    for (const [statement, sqlState, ...names] of FAILURES) {
      const raw = await client.query(statement).then(
        () => expect.unreachable(statement),
        (error: Error) => error,
      )
      if (!leaks(inspect(raw))) silent.push(sqlState)
      const safe = safeDatabaseError(raw) as UserError
      expect(safe, statement).toBeInstanceOf(UserError)
      const shown = `${inspect(safe, { depth: 10, showHidden: true })} ${JSON.stringify(safe)} ${safe.stack}`
      expect(leaks(shown), statement).toBe(false)
      for (const name of [`SQLSTATE ${sqlState}`, ...names]) expect(safe.message).toContain(name)
      // The same for machines: what a log line is searched by.
      const { sqlState: code, ...facts } = safe.database ?? { sqlState: null }
      expect(code).toBe(sqlState)
      for (const name of names) expect(Object.entries(facts).map((fact) => fact.join(" "))).toContain(name)
    }
  } finally {
    await client.end()
  }
  // The test would prove nothing if PostgreSQL did not quote.
  expect(FAILURES.length - silent.length, silent.join()).toBeGreaterThan(25)
  const loud = FAILURES.length - silent.length
  report(
    "P22",
    `${FAILURES.length} kinds of database error, ${loud} quote the row: 0 canaries in what is shown`,
  )
})

test("what is no failure of the database comes back as it is", () => {
  const bug = new TypeError("x is not a function")
  const known = new UserError("usage", "said already")
  expect([safeDatabaseError(bug), safeDatabaseError(known), safeDatabaseError("text")]).toEqual([
    bug,
    known,
    "text",
  ])
  expect(judge(bug)).toBeNull()
})

const thrown = (message: string, facts: object = {}) => Object.assign(new Error(message), facts)

// As Node's sockets and resolver, and pg, have them.
test.each([
  thrown("connect", { code: "ECONNREFUSED", syscall: "connect" }),
  thrown("read", { code: "ECONNRESET" }),
  thrown("connect", { code: "ETIMEDOUT" }),
  thrown("getaddrinfo", { code: "ENOTFOUND", syscall: "getaddrinfo" }),
  thrown("write", { code: "EPIPE", syscall: "write" }),
  thrown("not one of TLS", { code: "EPROTOTYPE", syscall: "connect" }),
  thrown("written after", { code: "ERR_STREAM_DESTROYED" }),
  thrown("closed", { code: "ERR_SOCKET_CLOSED" }),
])("$code means that the server is not reached: it may be later, on another connection", (error) => {
  const failure = judge(error)
  expect(failure).toMatchObject({ action: "reconnect", sqlState: undefined, column: undefined })
  expect(failure?.userError).toMatchObject({
    kind: "unavailable",
    message: `PostgreSQL does not answer (${(error as { code?: string }).code})`,
    hint: expect.stringContaining("host and port"),
  })
})

test.each([
  ["Connection terminated unexpectedly", "connection lost"],
  ["Connection terminated due to connection timeout", "no answer in time"],
  ["Query read timeout", "no answer in time"],
  ["timeout expired", "no answer in time"],
  ["timeout exceeded when trying to connect", "no answer in time"],
  ["Client has encountered a connection error and is not queryable", "connection lost"],
  ["Client was closed and is not queryable", "connection lost"],
  ["Received unexpected commandComplete message from backend.", "connection lost"],
  ["There was an error establishing an SSL connection", "connection lost"],
])("the driver's words '%s' mean the same: %s", (words, how) => {
  for (const error of [thrown(words), thrown(words, { code: 5 })]) {
    expect(judge(error)).toMatchObject({
      action: "reconnect",
      userError: { kind: "unavailable", message: `PostgreSQL does not answer (${how})` },
    })
  }
})

test.each([
  "ERR_TLS_CERT_ALTNAME_INVALID",
  "ERR_SSL_WRONG_VERSION_NUMBER",
  "EPROTO",
  "CERT_HAS_EXPIRED",
  "DEPTH_ZERO_SELF_SIGNED_CERT",
  "SELF_SIGNED_CERT_IN_CHAIN",
  "UNABLE_TO_VERIFY_LEAF_SIGNATURE",
  "HOSTNAME_MISMATCH",
])("%s is for somebody to mend, not to be tried again", (code) => {
  const failure = judge(thrown("handshake", { code, syscall: "write" }))
  expect(failure).toMatchObject({ action: "stop", sqlState: undefined })
  expect(failure?.userError).toMatchObject({
    kind: "config",
    message: `TLS with PostgreSQL failed (${code})`,
    hint: expect.stringContaining("sslrootcert"),
  })
})

test("a constraint of a table of ours stops the run; a collision there is one like any other", () => {
  const server = (code: string, schema: string) =>
    judge(thrown("quoting a row", { severity: "ERROR", code, schema, table: "t", constraint: "c" }))
  expect(server("23514", "public")).toMatchObject({ action: "data", userError: { kind: "data" } })
  expect(server("23514", "vault")).toMatchObject({ action: "stop", userError: { kind: "config" } })
  expect(server("23505", "peppermill")).toMatchObject({ action: "stop" })
  expect(server("40001", "vault")).toMatchObject({ action: "retry", userError: { kind: "unavailable" } })
  expect(server("23514", "vault")?.userError.message).toMatch(
    / \(SQLSTATE 23514, table vault\.t, constraint c\)$/,
  )
})

test("a server without TLS is told to turn it on", () => {
  const failure = judge(thrown("The server does not support SSL connections"))
  expect(failure).toMatchObject({ action: "stop", userError: { kind: "config" } })
  expect(failure?.userError.message).toBe("PostgreSQL does not speak TLS")
  expect(failure?.userError.hint).toContain("turn ssl on")
})

test("a password that the driver will not send counts as one that the server refused", () => {
  const failure = judge(thrown("SASL: SCRAM-SERVER-FIRST-MESSAGE: client password must be a string"))
  expect(failure).toMatchObject({ action: "reread-secret", sqlState: undefined, column: undefined })
  expect(failure?.userError).toMatchObject({ kind: "permission", database: { sqlState: "28P01" } })
})

test.each([
  thrown("no timeout"),
  thrown("our Connection terminated"),
  thrown("not by SASL"),
  thrown("a file", { code: "ERR_INVALID_ARG_TYPE" }),
  thrown("much alike", { code: "ETIMEDOUTS" }),
  thrown("much alike", { code: "XECONN" }),
  thrown("much alike", { code: "XERR_TLS_" }),
  thrown("Connection terminated, in another's words", { code: "OTHER" }),
  thrown("a code that is no text", { code: 5 }),
  thrown("no server's", { code: "22001" }),
])("$message is a bug, and nobody's outage", (error) => {
  expect(judge(error)).toBeNull()
})

test("a server that is not there, or not PostgreSQL, is told apart from a bug", async () => {
  await using database = await createEmptyDatabase()
  const tries = [
    [{ ...database.address, port: 1 }, "unavailable", "ECONNREFUSED"],
    [{ ...database.address, host: "no-such-host.invalid" }, "unavailable", "ENOTFOUND|EAI_AGAIN"],
    [{ ...database.address, database: "nowhere" }, "config", "3D000"],
    [{ ...database.address, password: "wrong" }, "permission", "28P01"],
    [{ ...database.address, password: "" }, "permission", "28P01"],
    [{ ...database.address, tls: { rejectUnauthorized: true } }, "config", "TLS"],
  ] as const
  for (const [address, kind, words] of tries) {
    const db = await openDatabase(address, { poolSize: 1 })
    const error = safeDatabaseError(
      await db
        .selectFrom("peppermill.migrations")
        .select("name")
        .execute()
        .catch((e) => e),
    )
    expect(error).toMatchObject({ name: "UserError", kind })
    expect(String(error)).toMatch(new RegExp(words))
    expect(inspect(error)).not.toMatch(/wrong|no-such-host/)
    await db.destroy()
  }
})

test("a pooler that does not pass our settings on is told what to do", async () => {
  await using database = await createEmptyDatabase()
  // What PgBouncer says to a start-up parameter that it was not told to pass over.
  const words = "SFATAL\0C08P01\0Munsupported startup parameter: statement_timeout\0\0"
  const length = Buffer.alloc(4)
  length.writeInt32BE(words.length + length.length)
  const pooler = createServer((client) => {
    client
      .on("error", () => {})
      .once("data", () => client.end(Buffer.concat([Buffer.from("E"), length, Buffer.from(words)])))
  })
  await once(pooler.listen(0, "127.0.0.1"), "listening")
  const { port } = pooler.address() as AddressInfo
  const db = await openDatabase({ ...database.address, host: "127.0.0.1", port }, { poolSize: 1 })
  try {
    const error = await withSafeErrors(() => sql`select 1`.execute(db)).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({
      kind: "unavailable",
      hint: expect.stringContaining("ignore_startup_parameters"),
    })
  } finally {
    await db.destroy()
    pooler.close()
  }
})
