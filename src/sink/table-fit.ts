import { sql } from "kysely"
import type { EventShape } from "../decode/event-shape.ts"
import { UserError } from "../errors.ts"
import type { Database } from "./connection.ts"
import { type EventColumn, eventColumns } from "./event-columns.ts"
import { parseTableName, printTable, quoteIdentifier, quoteTable, type TableName } from "./identifier.ts"

/** A column as the database has it. */
interface FoundColumn {
  readonly name: string
  /** As `format_type` prints it: `character varying(32)`. */
  readonly type: string
  readonly notNull: boolean
  /** Filled without our help: by a default or an identity. */
  readonly hasDefault: boolean
  /** No value can be given for it. */
  readonly generated: boolean
}

interface Problem {
  readonly what: string
  readonly hint: string
}

/**
 * Refuse an event table that could not take every event of the shape.
 *
 * @throws UserError of kind `config` that names every column that is wrong, and how to mend the first.
 */
export async function assertTableFits(db: Database, shape: EventShape): Promise<void> {
  const table = parseTableName(shape.table)
  const relkind = await relationKind(db, table)
  if (relkind === undefined) {
    throw new UserError("config", `the table ${printTable(table)} does not exist`, {
      hint: "run peppermill init",
    })
  }
  if (relkind !== "r" && relkind !== "p") {
    throw new UserError("config", `${printTable(table)} is not a table`, {
      hint: "name a table under event.table",
    })
  }
  const { rows: found } = await sql<FoundColumn>`
    select a.attname::text as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as "notNull",
      a.atthasdef or a.attidentity <> '' as "hasDefault",
      a.attgenerated <> '' or a.attidentity = 'a' as generated
    from pg_catalog.pg_attribute a
      join pg_catalog.pg_class c on c.oid = a.attrelid
      join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${table.schema} and c.relname = ${table.name}
      and a.attnum > 0 and not a.attisdropped`.execute(db)
  const problems = findProblems(shape, found)
  const [first] = problems
  if (first === undefined) return
  throw new UserError("config", `${printTable(table)}: ${problems.map(({ what }) => what).join("; ")}`, {
    hint: first.hint,
  })
}

/** PostgreSQL's letter for what goes by this name: `r` for a table, `p` for a partitioned one. */
export async function relationKind(db: Database, { schema, name }: TableName): Promise<string | undefined> {
  const { rows } = await sql<{ relkind: string }>`
    select c.relkind::text as relkind
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where n.nspname = ${schema} and c.relname = ${name}`.execute(db)
  return rows[0]?.relkind
}

/** What stands between the shape and a table with these columns. */
function findProblems(shape: EventShape, found: readonly FoundColumn[]): readonly Problem[] {
  const wanted = eventColumns(shape)
  const names = new Set(wanted.map(({ name }) => name))
  const alter = `alter table ${quoteTable(parseTableName(shape.table))}`
  const byName = new Map(found.map((column) => [column.name, column]))
  return [
    ...wanted.flatMap((column) => {
      const existing = byName.get(column.name)
      const problem =
        existing === undefined ? missing(column, byName, alter) : mismatch(column, existing, alter)
      return problem === null ? [] : [problem]
    }),
    ...found
      .filter(({ name, notNull, hasDefault }) => notNull && !hasDefault && !names.has(name))
      .map(({ name }) => ({
        what: `the column ${name} must not be null, and nothing fills it`,
        hint: `${alter} alter column ${quoteIdentifier(name)} drop not null`,
      })),
  ]
}

function missing(column: EventColumn, found: ReadonlyMap<string, FoundColumn>, alter: string): Problem {
  const { name, ddl } = column
  // The first edition of this table called its masked columns so.
  const older = name.replace(/^masked_/, "hashed_")
  return older !== name && found.has(older)
    ? {
        what: `the column ${name} is called ${older}, as in older forms of this table`,
        hint: `${alter} rename column ${quoteIdentifier(older)} to ${quoteIdentifier(name)}`,
      }
    : {
        what: `there is no column ${name}`,
        hint: `${alter} add column ${quoteIdentifier(name)} ${ddl}`,
      }
}

function mismatch(column: EventColumn, existing: FoundColumn, alter: string): Problem | null {
  const { name, ddl, from, nullable } = column
  const toType = `${alter} alter column ${quoteIdentifier(name)} type ${ddl}`
  if (existing.generated) {
    return {
      what: `the column ${name} is generated, so it cannot take the ${from}`,
      hint: `name another column for the ${from}`,
    }
  }
  if (existing.notNull && nullable) {
    return {
      what: `the column ${name} must not be null, but the ${from} may be`,
      hint: `${alter} alter column ${quoteIdentifier(name)} drop not null`,
    }
  }
  const width = widthOf(existing.type)
  if (column.characters === undefined || width === null) {
    if (column.fits.includes(existing.type)) return null
    return { what: `the column ${name} is ${existing.type}, not ${ddl}`, hint: toType }
  }
  if ((column.characters ?? Number.POSITIVE_INFINITY) <= width) return null
  const need = column.characters ?? "any number"
  const why = column.kind === "token" ? "a token may have" : `the ${from} may have`
  return {
    what: `the column ${name} holds ${width} characters, and ${why} ${need}`,
    hint: column.characters === null ? `set maxLength: ${width} for the ${from}` : toType,
  }
}

/** Characters of a varchar; null for every other type. */
function widthOf(type: string): number | null {
  if (type === "character varying") return Number.POSITIVE_INFINITY
  const match = /^character varying\((\d+)\)$/.exec(type)
  return match === null ? null : Number(match[1])
}
