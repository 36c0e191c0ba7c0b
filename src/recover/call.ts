import { sql, type Transaction } from "kysely"
import { UserError } from "../errors.ts"
import type { Database } from "../sink/connection.ts"
import { safeDatabaseError } from "../sink/database-error.ts"
import { isServerError } from "../sink/sqlstate.ts"
import type { Tables } from "../sink/tables.ts"

/** A transaction in which the vault's functions are called. */
export type VaultTransaction = Transaction<Tables>

/**
 * Call functions of the vault in a transaction of their own. What they answered
 * holds once this resolves: it does so after the commit.
 *
 * @param role - What a user must be a member of to call them, for the hint.
 * @throws UserError of kind `permission` when the database user may not call
 * them, or as `safeDatabaseError` has it.
 */
export async function callVault<T>(
  db: Database,
  role: "peppermill_recoverer" | "peppermill_approver",
  work: (tx: VaultTransaction) => Promise<T>,
): Promise<T> {
  try {
    // The server may have another default, which the vault refuses.
    return await db.transaction().setIsolationLevel("read committed").execute(work)
  } catch (error) {
    if (isServerError(error) && error.code === "42501") {
      throw new UserError("permission", "the database user may not do this", {
        hint: `grant ${role} to the user of database.url`,
      })
    }
    throw safeDatabaseError(error)
  }
}

/** The request ids that PostgreSQL takes for a uuid; any other text is no request's id. */
export function isRequestId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
}

/** Milliseconds since the epoch, of a timestamp expression. */
export const millis = (column: string) => sql.raw(`(extract(epoch from ${column}) * 1000)::float8`)
