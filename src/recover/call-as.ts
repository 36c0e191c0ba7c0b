import { UserError } from "../errors.ts"
import type { Database } from "../sink/connection.ts"
import { safeDatabaseError } from "../sink/database-error.ts"
import type { ROLES } from "../sink/roles.ts"
import { isServerError } from "../sink/sqlstate.ts"
import type { VaultTransaction } from "./call.ts"

/**
 * Call functions of the vault in a transaction of their own. What they answered
 * holds once this resolves: it does so after the commit.
 *
 * @param role - What a user must be a member of to call them, for the hint.
 * @throws UserError of kind `permission` when the database user may not call them, of kind
 * `config` when `init` has yet to record the event table, or as `safeDatabaseError` has it.
 */
export async function callAs<T>(
  db: Database,
  role: (typeof ROLES)[number],
  work: (tx: VaultTransaction) => Promise<T>,
): Promise<T> {
  try {
    // The server may have another default, which the vault refuses.
    return await db.transaction().setIsolationLevel("read committed").execute(work)
  } catch (error) {
    if (isServerError(error) && error.code === "42501") {
      throw new UserError("permission", "the database user may not do this", {
        hint: `grant ${role} to the user of database.url`,
        cause: error,
      })
    }
    throw safeDatabaseError(error)
  }
}
