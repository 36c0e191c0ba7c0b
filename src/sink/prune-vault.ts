import { sql } from "kysely"
import type { Database } from "./connection.ts"
import { withSafeErrors } from "./database-error.ts"

/** Rows a transaction removes at most, so that none takes long. */
const CHUNK = 10_000

/** What left the vault for its age. */
export interface PrunedVault {
  readonly originals: number
  readonly quarantined: number
  /** Data keys that sealed nothing any more. */
  readonly dataKeys: number
}

/**
 * Delete what the vault has held for longer than it may. How long that is stands
 * in the database, see {@link storeRetention}; a client cannot choose it. Each
 * deletion is on record. Does nothing where no time is set.
 *
 * Several runs may prune at one time.
 */
export async function pruneVault(db: Database): Promise<PrunedVault> {
  const total = { originals: 0, quarantined: 0, dataKeys: 0 }
  return await withSafeErrors(async () => {
    for (;;) {
      const { rows } = await sql<PrunedVault>`
        select originals, quarantined, data_keys as "dataKeys" from vault.prune(${CHUNK})`.execute(db)
      const { originals, quarantined, dataKeys } = rows[0] as PrunedVault
      total.originals += originals
      total.quarantined += quarantined
      total.dataKeys += dataKeys
      if (originals < CHUNK && quarantined < CHUNK) return total
    }
  })
}

/** Store how many days the vault keeps what it holds, as its owner; null: until it is erased. A change stands in the audit log. */
export async function storeRetention(db: Database, days: number | null): Promise<void> {
  await withSafeErrors(() => sql.raw(retentionStatement(days)).execute(db))
}

/** The same as text, for `init --sql`. */
export function retentionStatement(days: number | null): string {
  if (days !== null && !(Number.isSafeInteger(days) && days > 0)) throw new RangeError("days: 1 or more")
  return `update vault.policy set retention_days = ${days} where retention_days is distinct from ${days}`
}
