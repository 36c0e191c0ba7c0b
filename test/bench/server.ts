import { readFileSync } from "node:fs"
import { join } from "node:path"
import pg from "pg"
import { openDatabase } from "../../src/sink/connection.ts"
import { type InitOptions, initDatabase } from "../../src/sink/init.ts"
import { addressOf } from "../database.ts"
import { LOGIN } from "../shape.ts"
import { startPostgres } from "../start-postgres.ts"

/** A PostgreSQL for the benchmark: its own, or the one of TEST_DATABASE_URL. */
export interface Server {
  readonly version: string
  /** What decides how much a commit costs. */
  readonly settings: Readonly<Record<string, string>>
  readonly postmaster: number
  /** A database in which `init` has run; dropped by the next call. @returns Its URL. */
  fresh(options?: Partial<InitOptions>): Promise<string>
  close(): Promise<void>
}

/** @param own - Settings of postgresql.conf for a server of its own. */
export async function startServer(own: Readonly<Record<string, string>> = {}): Promise<Server> {
  const given = process.env["TEST_DATABASE_URL"]
  const { url, stop } =
    given === undefined ? await startPostgres({ settings: own }) : { url: given, stop: async () => {} }
  const admin = new pg.Client({ connectionString: url })
  await admin.connect()
  const show = async (name: string) =>
    String(Object.values((await admin.query(`show ${name}`)).rows[0] ?? {})[0])
  const settings: Record<string, string> = {}
  for (const name of ["fsync", "synchronous_commit", "full_page_writes", "shared_buffers"])
    settings[name] = await show(name)
  const [postmaster] = readFileSync(join(await show("data_directory"), "postmaster.pid"), "utf8").split("\n")
  const name = `bench_${process.pid}`
  const database = new URL(url)
  database.pathname = name
  const drop = () => admin.query(`drop database if exists ${name} with (force)`)
  return {
    version: await show("server_version"),
    settings,
    postmaster: Number(postmaster),
    async fresh({ partitioned = null } = {}) {
      await drop()
      await admin.query(`create database ${name}`)
      const db = await openDatabase(addressOf(database.href), { poolSize: 1 })
      await initDatabase(db, LOGIN, { partitioned }).finally(() => db.destroy())
      return database.href
    },
    async close() {
      await drop()
      await admin.end()
      await stop()
    },
  }
}
