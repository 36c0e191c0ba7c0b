import { sql } from "kysely"
import { UserError } from "../errors.ts"
import type { Database } from "./connection.ts"

/** PostgreSQL 14: the oldest that is tested, and in support when this was written. */
const MIN_VERSION = 140_000

interface Server {
  readonly versionNumber: number
  readonly version: string
  readonly encoding: string
  readonly isReplica: boolean
  readonly readOnly: boolean
  readonly synchronousCommit: string
}

/**
 * Refuse a server that cannot keep the promise: too old, a replica, in an
 * encoding that would change or lose text, or acknowledging commits that a crash
 * may take back.
 */
export async function assertServerFits(db: Database): Promise<void> {
  const { rows } = await sql<Server>`
    select current_setting('server_version_num')::int as "versionNumber",
      current_setting('server_version') as version,
      current_setting('server_encoding') as encoding,
      pg_catalog.pg_is_in_recovery() as "isReplica",
      current_setting('transaction_read_only')::boolean as "readOnly",
      current_setting('synchronous_commit') as "synchronousCommit"`.execute(db)
  const server = rows[0] as Server
  if (server.versionNumber < MIN_VERSION) {
    throw refuse(`PostgreSQL ${server.version} is too old`, "peppermill needs PostgreSQL 14 or newer")
  }
  if (server.isReplica || server.readOnly) {
    throw refuse(
      server.isReplica ? "the database is a replica" : "the database is read-only",
      "database.url must name the primary, and default_transaction_read_only must be off",
    )
  }
  if (server.encoding !== "UTF8") {
    throw refuse(
      `the database has the encoding ${server.encoding}`,
      "create one with encoding UTF8: text would not come back as it came",
    )
  }
  if (server.synchronousCommit === "off") {
    throw refuse(
      "synchronous_commit is off: a crash of the server could lose rows whose messages are gone",
      "alter role … set synchronous_commit = on, for the user of database.url",
    )
  }
}

function refuse(message: string, hint: string): UserError {
  return new UserError("config", message, { hint })
}
