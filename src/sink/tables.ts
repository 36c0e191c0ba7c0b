import type { Generated } from "kysely"

/** The tables that the sink reads through kysely. The event table's columns are configuration, so it is not here. */
export interface Tables {
  "peppermill.mask_keys": MaskKeysTable
  "peppermill.migrations": MigrationsTable
}

export interface MaskKeysTable {
  id: string
  check_value: string
  created_at: Generated<Date>
  retired_at: Date | null
}

export interface MigrationsTable {
  name: string
  applied_at: Generated<Date>
}
