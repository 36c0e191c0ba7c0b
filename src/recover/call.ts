import { sql, type Transaction } from "kysely"
import type { Tables } from "../sink/tables.ts"

/** A transaction in which the vault's functions are called. */
export type VaultTransaction = Transaction<Tables>

/** Whether PostgreSQL takes a text for a uuid; any other text is the id of nothing. */
export function isRequestId(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text)
}

/** Milliseconds since the epoch, of a timestamp expression. */
export const millis = (column: string) => sql.raw(`(extract(epoch from ${column}) * 1000)::float8`)
