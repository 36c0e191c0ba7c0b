import { sql } from "kysely"
import type { EventShape } from "../decode/event-shape.ts"
import type { Database } from "./connection.ts"
import { parseTableName, quoteIdentifier, quoteTable } from "./identifier.ts"

/** A token that stands in more than one row: a duplicate that can still be seen. */
export interface Repeat {
  readonly column: string
  readonly token: string
  readonly rows: number
  readonly subjects: number
}

/** The tokens of each masked column that stand in the most rows, most first. */
export async function mostRepeated(
  db: Database,
  shape: EventShape,
  limit: number,
): Promise<readonly Repeat[]> {
  const table = sql.raw(quoteTable(parseTableName(shape.table)))
  const subject = shape.fields.find((field) => field.name === shape.subject)
  const repeats: Repeat[] = []
  for (const field of shape.fields.filter((field) => field.mask)) {
    const column = sql.raw(quoteIdentifier(field.column))
    const { rows } = await sql<Repeat>`
      select ${field.column}::text as column, ${column} as token, count(*)::int as rows,
        count(distinct ${sql.raw(quoteIdentifier(subject?.column ?? shape.subject))})::int as subjects
      from ${table} where ${column} is not null
      group by ${column} having count(*) > 1
      order by count(*) desc, ${column} limit ${limit}`.execute(db)
    repeats.push(...rows)
  }
  return repeats
}

/** Some rows of the event table, as text. */
export async function firstRows(
  db: Database,
  shape: EventShape,
  limit: number,
): Promise<readonly Readonly<Record<string, string | null>>[]> {
  const table = sql.raw(quoteTable(parseTableName(shape.table)))
  const columns = shape.fields.map((field) => field.column)
  if (shape.sentDate !== null) columns.push(shape.sentDate)
  const list = columns.map((column) => `${quoteIdentifier(column)}::text`).join(", ")
  const { rows } = await sql<Record<string, string | null>>`
    select ${sql.raw(list)} from ${table} limit ${limit}`.execute(db)
  return rows
}

/** How many rows of the event table hold one of these texts, in any column. For showing that none does. */
export async function rowsHolding(
  db: Database,
  shape: EventShape,
  texts: readonly string[],
): Promise<number> {
  const table = sql.raw(quoteTable(parseTableName(shape.table)))
  const { rows } = await sql<{ count: number }>`
    select count(*)::int as count from ${table} as t
    where exists (select 1 from unnest(${texts}::text[]) as clear where strpos(t::text, clear) > 0)`.execute(
    db,
  )
  return rows[0]?.count ?? 0
}
