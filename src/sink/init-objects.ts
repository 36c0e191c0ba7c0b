import { sql, type Transaction } from "kysely"
import type { EventShape } from "../decode/event-shape.ts"
import { parseTableName } from "./identifier.ts"
import { ROLES } from "./roles.ts"
import type { Tables } from "./tables.ts"

/** One thing of ours in the database. `adopted`: a table that was there before us, now with our indexes. */
export interface InitStep {
  readonly object: string
  readonly outcome: "created" | "exists" | "adopted"
}

export interface InitObject {
  readonly kind: "role" | "schema" | "table" | "index" | "partition" | "function"
  readonly name: string
  /** The event table, or a part of it. */
  readonly isEvents: boolean
}

/** What the database holds of what `init` makes, in the order an operator reads it. */
export async function findObjects(
  tx: Transaction<Tables>,
  shape: EventShape,
): Promise<readonly InitObject[]> {
  const events = parseTableName(shape.table)
  const { rows } = await sql<InitObject>`
    with tables as (
      select c.oid, n.nspname || '.' || c.relname as name,
        n.nspname = ${events.schema} and c.relname = ${events.name} as is_events
      from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
      where c.relkind in ('r', 'p') and (n.nspname in ('peppermill', 'vault')
        or (n.nspname = ${events.schema} and c.relname = ${events.name}))
    ), objects as (
      select 1 as place, 'role' as kind, rolname::text as name, false as is_events
        from pg_catalog.pg_roles where rolname = any (${[...ROLES]}::text[])
      union all
      select 2, 'schema', nspname::text, false
        from pg_catalog.pg_namespace where nspname in ('peppermill', 'vault')
      union all
      select 3, 'table', name, is_events from tables
      union all
      select 4, 'index', c.relname::text, true
        from tables t join pg_catalog.pg_index i on i.indrelid = t.oid
          join pg_catalog.pg_class c on c.oid = i.indexrelid
        where t.is_events
      union all
      select 5, 'partition', c.relname::text, true
        from tables t join pg_catalog.pg_inherits h on h.inhparent = t.oid
          join pg_catalog.pg_class c on c.oid = h.inhrelid
        where t.is_events
      union all
      select 6, 'function', n.nspname || '.' || p.proname, false
        from pg_catalog.pg_proc p join pg_catalog.pg_namespace n on n.oid = p.pronamespace
        where n.nspname in ('peppermill', 'vault')
    )
    select kind, name, is_events as "isEvents" from objects order by place, name`.execute(tx)
  return rows
}

/** What `init` did, told by what is there now and was not before. */
export function compareObjects(
  before: readonly InitObject[],
  after: readonly InitObject[],
): readonly InitStep[] {
  const key = ({ kind, name }: InitObject) => `${kind} ${name}`
  const known = new Set(before.map(key))
  const isNew = (object: InitObject) => !known.has(key(object))
  const added = after.some((object) => object.kind === "index" && isNew(object))
  return after.map((object) => ({
    object: key(object),
    outcome: isNew(object)
      ? "created"
      : object.kind === "table" && object.isEvents && added
        ? "adopted"
        : "exists",
  }))
}
