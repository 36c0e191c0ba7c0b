import { sql } from "kysely"
import type { EventShape } from "../decode/event-shape.ts"
import { UserError } from "../errors.ts"
import type { Database } from "./connection.ts"
import { parseTableName, printTable } from "./identifier.ts"
import { assertServerFits } from "./server-fit.ts"
import { assertTableFits } from "./table-fit.ts"

interface Need {
  readonly schema: string
  readonly table: string
  readonly privileges: readonly string[]
}

const VAULT: readonly Need[] = [
  { schema: "vault", table: "data_keys", privileges: ["INSERT"] },
  { schema: "vault", table: "originals", privileges: ["INSERT"] },
  { schema: "vault", table: "quarantine", privileges: ["INSERT"] },
  { schema: "peppermill", table: "erasures", privileges: ["SELECT"] },
]

/**
 * Refuse a database in which a drain could not store a batch, before anything
 * is taken from the queue.
 *
 * @throws UserError that names what is missing, and says what to do.
 */
export async function assertReady(
  db: Database,
  shape: EventShape,
  { vault }: { readonly vault: boolean },
): Promise<void> {
  await assertServerFits(db)
  const events = parseTableName(shape.table)
  for (const need of [
    { schema: "peppermill", table: "ledger", privileges: ["SELECT", "INSERT"] },
    { schema: "peppermill", table: "mask_keys", privileges: ["SELECT", "INSERT"] },
    { schema: events.schema, table: events.name, privileges: ["INSERT"] },
    ...(vault ? VAULT : []),
  ]) {
    await assertMay(db, need)
  }
  await assertTableFits(db, shape)
}

async function assertMay(db: Database, { schema, table, privileges }: Need): Promise<void> {
  const name = printTable({ schema, name: table })
  const { rows } = await sql<{ missing: string[] }>`
    select array(
      select privilege from unnest(${[...privileges]}::text[]) as wanted (privilege)
      where not has_table_privilege(c.oid, privilege)
    ) || case when has_schema_privilege(n.oid, 'USAGE') then '{}'::text[] else '{USAGE}'::text[] end as missing
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${table}`.execute(db)
  const found = rows[0]
  if (found === undefined) {
    throw new UserError("config", `the table ${name} does not exist`, { hint: "run peppermill init" })
  }
  if (found.missing.length > 0) {
    throw new UserError("permission", `the database user may not ${found.missing.join(", ")} on ${name}`, {
      hint: "grant peppermill_writer to the user of database.url",
    })
  }
}
