import { sql } from "kysely"
import type { EventShape } from "../decode/event-shape.ts"
import type { Database } from "../sink/connection.ts"
import { millis } from "./call.ts"
import { callAs } from "./call-as.ts"

/** A mask key as the database knows it. */
export interface KnownMaskKey {
  readonly id: string
  readonly checkValue: string
  readonly createdAtMs: number
  readonly retiredAtMs: number | null
}

/** What is under a mask key. */
export interface MaskKeyUse {
  readonly id: string
  /** Tokens in the event table, every row and masked column counted. */
  readonly events: number
  readonly originals: number
}

export interface KnownDataKey {
  /** Hex. */
  readonly id: string
  readonly recipients: readonly string[]
  readonly createdAtMs: number
  readonly originals: number
  readonly quarantined: number
}

/** The mask keys the database has seen, oldest first. It takes any role of peppermill, as all of this. */
export async function listMaskKeys(db: Database): Promise<readonly KnownMaskKey[]> {
  const { rows } = await callAs(db, "peppermill_keeper", (tx) =>
    sql<KnownMaskKey>`
      select id, check_value as "checkValue", ${millis("created_at")} as "createdAtMs",
        ${millis("retired_at")} as "retiredAtMs" from vault.list_mask_keys()`.execute(tx),
  )
  return rows
}

/** Count what is under which key. It reads the whole event table. */
export async function countMaskKeyUse(db: Database, shape: EventShape): Promise<readonly MaskKeyUse[]> {
  const { rows } = await callAs(db, "peppermill_keeper", (tx) =>
    sql<MaskKeyUse>`
      select id, events::float8 as events, originals::float8 as originals
      from vault.mask_key_use(${shape.table})`.execute(tx),
  )
  return rows
}

/** The data keys, oldest first, and what each has sealed that is still there. */
export async function listDataKeys(db: Database): Promise<readonly KnownDataKey[]> {
  const { rows } = await callAs(db, "peppermill_keeper", (tx) =>
    sql<KnownDataKey>`
      select encode(id, 'hex') as id, recipients, ${millis("created_at")} as "createdAtMs",
        originals::float8 as originals, quarantined::float8 as quarantined
      from vault.list_data_keys()`.execute(tx),
  )
  return rows
}
