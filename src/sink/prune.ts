import { sql } from "kysely"
import type { Database } from "./connection.ts"
import { withSafeErrors } from "./database-error.ts"

/** Rows a transaction removes at most, so that none takes long. */
const CHUNK = 10_000

/**
 * Forget messages that cannot come again: those committed more than `days` days
 * ago. SQS keeps a message for 14 days at most, so the database refuses less.
 *
 * @returns How many were forgotten. Several drains may prune at one time.
 */
export async function pruneLedger(db: Database, days = 15): Promise<number> {
  return await withSafeErrors(async () => {
    for (let total = 0; ; ) {
      const { rows } = await sql<{
        pruned: number
      }>`select peppermill.prune_ledger(${days}, ${CHUNK}) as pruned`.execute(db)
      const pruned = rows[0]?.pruned ?? 0
      total += pruned
      if (pruned < CHUNK) return total
    }
  })
}
