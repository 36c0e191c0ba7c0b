import { ledger } from "./001-ledger.ts"
import type { Migration } from "./migration.ts"

/** Every step, in order. Append only. */
export const MIGRATIONS: readonly Migration[] = [ledger]
