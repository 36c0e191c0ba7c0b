import { sql } from "kysely"
import { systemClock } from "../time/clock.ts"
import type { Database } from "./connection.ts"
import { withSafeErrors } from "./database-error.ts"
import { retrying } from "./retrying.ts"
import type { WrappedDataKey } from "./sink.ts"

/**
 * Store a wrapped data key. Resolves after the commit; storing it twice is harmless.
 *
 * @throws UserError when the database refuses, or does not answer for `retrySeconds`.
 */
export async function storeDataKey(db: Database, key: WrappedDataKey, retrySeconds: number): Promise<void> {
  // Without a conflict target, which would need SELECT: a writer may not read the vault.
  const insert = sql`
    insert into vault.data_keys (id, recipients, wrapped)
    values (${key.id}, ${[...key.recipients]}::text[], ${key.wrapped})
    on conflict do nothing`
  const retries = { retrySeconds, reread: undefined, clock: systemClock }
  await withSafeErrors(() =>
    retrying(
      () => insert.execute(db),
      retries,
      () => {},
    ),
  )
}
