/**
 * Real PostgreSQL for tests.
 *
 *     await using database = await createDatabase()
 *     const db = await openDatabase(database.address, { poolSize: 2 })
 *     await database.query("select 1")              // as the superuser, outside the code under test
 *     const writer = await database.login("peppermill_writer")
 *
 * `createDatabase()` gives a database of its own to each caller, copied (in some
 * 30 ms) from a template in which `init` has run with the login shape of
 * `shape.ts`; `createEmptyDatabase()` one in which nothing has run. Leaving the
 * scope drops it, with the logins made for it; without `await using`, call `drop()`.
 *
 * One server is started per vitest run (`global-setup.ts`), in a temporary
 * folder. Two environment variables change that:
 * - TEST_DATABASE_URL: a superuser's URL of a server to use instead.
 * - TEST_DATABASE_LOG: a file for the started server's log, which then has everything
 *   that came in several times over. Every statement with its parameters is logged anyway
 *   (`server-log.ts`).
 */
import { randomBytes } from "node:crypto"
import pg from "pg"
import { inject } from "vitest"
import type { PostgresAddress } from "../src/config/database-address.ts"
import { openDatabase } from "../src/sink/connection.ts"
import { initDatabase } from "../src/sink/init.ts"
import { LOGIN } from "./shape.ts"

export interface TestDatabase extends AsyncDisposable {
  /** A superuser's, as are `address` and `query`. */
  readonly url: string
  readonly address: PostgresAddress
  /** Run one statement, or several without values, on a connection of its own. */
  query<Row extends pg.QueryResultRow = pg.QueryResultRow>(text: string, values?: unknown[]): Promise<Row[]>
  /** A new user with a password, who is a member of these roles and has no other rights. */
  login(...roles: string[]): Promise<{ readonly url: string; readonly address: PostgresAddress }>
  drop(): Promise<void>
}

export function createDatabase(): Promise<TestDatabase> {
  return create(inject("databaseTemplate"))
}

export function createEmptyDatabase(options: { readonly encoding?: string } = {}): Promise<TestDatabase> {
  return create("template0", options.encoding ?? "UTF8")
}

/** A database in which `init` has run, on a server of the caller's own. */
export async function createDatabaseOn(serverUrl: string): Promise<TestDatabase> {
  return create(await makeTemplate(serverUrl), undefined, serverUrl)
}

async function create(
  template: string,
  encoding?: string,
  serverUrl = inject("databaseServerUrl"),
): Promise<TestDatabase> {
  const name = `test_${randomName()}`
  await run(
    serverUrl,
    `create database ${name} template ${template} ${encoding === undefined ? "" : `encoding '${encoding}'`}`,
  )
  const url = withParts(serverUrl, { database: name })
  const users: string[] = []
  const drop = async () => {
    await run(serverUrl, `drop database if exists ${name} with (force)`)
    for (const user of users.splice(0)) await run(serverUrl, `drop role if exists ${user}`)
  }
  return {
    url,
    address: addressOf(url),
    query: (text, values) => run(url, text, values),
    async login(...roles) {
      const user = `user_${randomName()}`
      await run(serverUrl, `create role ${user} login password '${passwordOf(user)}'`)
      users.push(user)
      for (const role of roles) await run(serverUrl, `grant ${role} to ${user}`)
      const userUrl = withParts(url, { user })
      return { url: userUrl, address: addressOf(userUrl) }
    },
    drop,
    [Symbol.asyncDispose]: drop,
  }
}

/** For `global-setup.ts`. */
export async function makeTemplate(serverUrl: string): Promise<string> {
  const name = `template_${randomName()}`
  await run(serverUrl, `create database ${name} template template0 encoding 'UTF8'`)
  const db = await openDatabase(addressOf(withParts(serverUrl, { database: name })), { poolSize: 1 })
  try {
    await initDatabase(db, LOGIN, { partitioned: null })
  } finally {
    await db.destroy()
  }
  return name
}

/** For `global-setup.ts`. */
export async function dropTemplate(serverUrl: string, name: string): Promise<void> {
  await run(serverUrl, `drop database if exists ${name} with (force)`)
}

async function run<Row extends pg.QueryResultRow>(
  url: string,
  text: string,
  values?: unknown[],
): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    return (await client.query<Row>(text, values)).rows
  } finally {
    await client.end()
  }
}

const passwordOf = (user: string) => `canary-password-of-${user}`

function withParts(url: string, parts: { readonly database?: string; readonly user?: string }): string {
  const changed = new URL(url)
  if (parts.database !== undefined) changed.pathname = `/${parts.database}`
  if (parts.user !== undefined) {
    changed.username = parts.user
    changed.password = passwordOf(parts.user)
  }
  return changed.href
}

/** A URL of ours, taken apart. */
export function addressOf(url: string): PostgresAddress {
  const { hostname, port, username, password, pathname } = new URL(url)
  return {
    kind: "postgres",
    host: hostname,
    port: Number(port || "5432"),
    user: decodeURIComponent(username),
    password: decodeURIComponent(password),
    database: decodeURIComponent(pathname.slice(1)),
    tls: null,
    caFile: null,
    applicationName: "peppermill-test",
  }
}

function randomName(): string {
  return randomBytes(6).toString("hex")
}
