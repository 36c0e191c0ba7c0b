import { sql } from "kysely"
import type { EventShape } from "../decode/event-shape.ts"
import { UserError } from "../errors.ts"
import type { Database } from "./connection.ts"
import { withSafeErrors } from "./database-error.ts"
import { eventTableStatements } from "./event-table.ts"
import { parseTableName, printTable, type TableName } from "./identifier.ts"
import { compareObjects, findObjects, type InitStep } from "./init-objects.ts"
import { CREATE_HISTORY, migrationStatement } from "./migrations/migration.ts"
import { MIGRATIONS } from "./migrations/migrations.ts"
import { newestPartition, type PartitionWidth } from "./partitions.ts"
import { CREATE_ROLES } from "./roles.ts"
import { assertServerFits } from "./server-fit.ts"
import { assertTableFits, relationKind } from "./table-fit.ts"

export interface InitOptions {
  /** Make the event table, when it is new, one partition over its date column for each of these; null: a plain table. */
  readonly partitioned: PartitionWidth | null
}

/** Serialises `init` with itself. The number means nothing; it must only stay the same. */
const LOCK = 7_305_812_649

const PROLOGUE = [
  // Names resolve to PostgreSQL's own functions, whatever schema somebody put in front.
  "set local search_path = pg_catalog, pg_temp",
  "set local client_min_messages = warning",
  "set local statement_timeout = 0",
  `select pg_advisory_xact_lock(${LOCK})`,
]

/**
 * Create what is missing, in one transaction: all of it or nothing.
 *
 * Run again it finds everything in place, takes the migrations that are new
 * since, and gives a table that it partitioned the partitions that are due.
 *
 * @throws UserError when the server cannot serve us, when an existing event
 * table does not fit the shape, or when the user may not do it.
 */
export async function initDatabase(
  db: Database,
  shape: EventShape,
  options: InitOptions,
): Promise<readonly InitStep[]> {
  refuseImpossible(shape, options)
  return withSafeErrors(() =>
    db.transaction().execute(async (tx) => {
      await assertServerFits(tx)
      for (const statement of PROLOGUE) await sql.raw(statement).execute(tx)
      await refuseMisfit(tx, shape, options)
      const before = await findObjects(tx, shape)
      for (const statement of statements(shape, options)) await sql.raw(statement).execute(tx)
      return compareObjects(before, await findObjects(tx, shape))
    }),
  )
}

/** The same work as text for psql, for those who let no tool near their schema. It ends the same, wherever it starts. */
export function initSql(shape: EventShape, options: InitOptions): string {
  refuseImpossible(shape, options)
  return ["begin", ...PROLOGUE, ...statements(shape, options), "commit"]
    .map((text) => `${text};\n`)
    .join("\n")
}

function statements(shape: EventShape, options: InitOptions): readonly string[] {
  return [
    CREATE_ROLES,
    CREATE_HISTORY,
    ...MIGRATIONS.map(migrationStatement),
    ...eventTableStatements(shape, options),
  ]
}

function refuseImpossible(shape: EventShape, { partitioned }: InitOptions): void {
  if (partitioned !== null && shape.sentDate === null) {
    throw new UserError("usage", "--partitioned needs a date column, and event.sentDate names none", {
      hint: "set event.sentDate, or leave --partitioned out",
    })
  }
}

/** Before the statements: of a column that an existing table lacks they would say only that it is missing. */
async function refuseMisfit(db: Database, shape: EventShape, { partitioned }: InitOptions): Promise<void> {
  const table = parseTableName(shape.table)
  const kind = await relationKind(db, table)
  if (kind === "r" && partitioned !== null) {
    throw new UserError("config", `${printTable(table)} exists and is not partitioned`, {
      hint: "leave --partitioned out, or rename the table and copy its rows into the new one",
    })
  }
  if (kind !== undefined) await assertTableFits(db, shape)
  if (partitioned !== null) await refuseOtherWidth(db, table, partitioned)
}

async function refuseOtherWidth(db: Database, table: TableName, wanted: PartitionWidth): Promise<void> {
  const found = await newestPartition(db, table)
  if (found === null || found.width === wanted) return
  throw new UserError("config", `${printTable(table)} is partitioned by ${found.width}, not by ${wanted}`, {
    hint: "leave --partitioned out: init goes on as the table is",
  })
}
