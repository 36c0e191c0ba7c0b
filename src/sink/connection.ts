import type { PGlite } from "@electric-sql/pglite"
import { Kysely, PGliteDialect, PostgresDialect } from "kysely"
import type { DatabaseAddress, PostgresAddress } from "../config/database-address.ts"
import type { Tables } from "./tables.ts"

export type Database = Kysely<Tables>

export type Credentials = Pick<PostgresAddress, "user" | "password">

export interface DatabaseSettings {
  /** Connections open at one time. PGlite has one, whatever this says. */
  readonly poolSize: number
  readonly timeouts?: Partial<Timeouts>
  /**
   * Asked before every new connection, so that a rotated secret takes effect.
   * The address's own user and password when left out.
   */
  readonly credentials?: () => Credentials
  /** How to start PGlite in a directory, or in memory for null. The single executable has its own way. */
  readonly openPGlite?: (directory: string | null) => Promise<PGlite>
}

/** Milliseconds; 0 is no limit. */
export interface Timeouts {
  /** To connect, TLS and password included, or to get a free connection. */
  readonly connectMs: number
  /** The server ends a statement that takes longer. */
  readonly statementMs: number
  /** The server ends a statement that waits longer for one lock. */
  readonly lockMs: number
  /** The server drops a session that keeps a transaction open without a word. */
  readonly idleInTransactionMs: number
  /**
   * The client gives up on an answer, and on its connection. The only one that helps
   * when packets vanish; longer than `statementMs`, so that a slow server speaks first.
   */
  readonly queryMs: number
}

/**
 * A healthy batch takes milliseconds. The idle limit is short because a writer that
 * vanished in mid-transaction keeps the next try waiting for its ledger rows.
 */
export const TIMEOUTS: Timeouts = {
  connectMs: 10_000,
  statementMs: 30_000,
  lockMs: 10_000,
  idleInTransactionMs: 10_000,
  queryMs: 35_000,
}

/** For set-up work: an index over a large table takes as long as it takes. */
export const PATIENT: Timeouts = { ...TIMEOUTS, statementMs: 0, lockMs: 60_000, queryMs: 0 }

/**
 * Open a database. Nothing is sent until the first query.
 *
 * Neither PG* variables nor a service or password file has a say: every part
 * of a connection comes from the address. Errors of its queries are raw and may
 * quote values: pass them through `safeDatabaseError` before anybody sees them.
 * `destroy()` closes it, within seconds even when the server no longer answers.
 */
export async function openDatabase(address: DatabaseAddress, settings: DatabaseSettings): Promise<Database> {
  if (address.kind === "pglite") {
    const open = settings.openPGlite ?? openFromPackage
    const { directory } = address
    return new Kysely<Tables>({ dialect: new PGliteDialect({ pglite: () => open(directory) }) })
  }
  // pg would look for another, native driver, wherever Node finds one.
  delete process.env["NODE_PG_FORCE_NATIVE"]
  // Loaded here, because `--version` must not wait for a database driver.
  const { openPool } = await import("./pool.ts")
  const timeouts = { ...TIMEOUTS, ...settings.timeouts }
  const pool = openPool(address, { ...settings, timeouts })
  return new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) })
}

async function openFromPackage(directory: string | null): Promise<PGlite> {
  const { PGlite } = await import("@electric-sql/pglite")
  return directory === null ? PGlite.create() : PGlite.create(directory)
}
