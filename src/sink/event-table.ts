import type { EventShape } from "../decode/event-shape.ts"
import { eventColumns } from "./event-columns.ts"
import { parseTableName, printTable, quoteIdentifier, quoteLiteral, quoteTable } from "./identifier.ts"
import { defaultPartition, type PartitionWidth, partitionsStatement } from "./partitions.ts"

/**
 * The statements that create the event table, or add to an existing one what is
 * ours: indexes and grants. Each does nothing where its work is done already.
 */
export function eventTableStatements(
  shape: EventShape,
  { partitioned }: { readonly partitioned: PartitionWidth | null },
): readonly string[] {
  const table = parseTableName(shape.table)
  return [
    createTable(shape, partitioned !== null),
    ...indexes(shape).map((index) => createIndex(shape, index)),
    ...(shape.sentDate === null ? [] : [partitionsStatement(table, shape.sentDate, partitioned ?? "month")]),
    ...(table.schema === "public"
      ? []
      : [`grant usage on schema ${quoteIdentifier(table.schema)} to ${USERS}`]),
    `grant insert on ${quoteTable(table)} to peppermill_writer`,
    `grant select on ${quoteTable(table)} to peppermill_analyst`,
    recordTable(shape),
  ]
}

/** Tells the vault's functions what to write to: they take no table's name from a caller. */
function recordTable(shape: EventShape): string {
  const { schema, name } = parseTableName(shape.table)
  const subject = shape.fields.find((field) => field.name === shape.subject)?.column ?? shape.subject
  const masked = shape.fields.filter((field) => field.mask).map((field) => [field.name, field.column])
  const columns = eventColumns(shape).map((column) => quoteLiteral(column.name))
  return `insert into peppermill.event_tables as t
  (name, schema_name, table_name, subject_column, columns, masked)
  values (${[shape.table, schema, name, subject].map(quoteLiteral).join(", ")},
    array[${columns.join(", ")}], ${quoteLiteral(JSON.stringify(Object.fromEntries(masked)))}::jsonb)
  on conflict (name) do update set schema_name = excluded.schema_name, table_name = excluded.table_name,
    subject_column = excluded.subject_column, columns = excluded.columns, masked = excluded.masked
  where (t.schema_name, t.table_name, t.subject_column, t.columns, t.masked)
    <> (excluded.schema_name, excluded.table_name, excluded.subject_column, excluded.columns, excluded.masked)`
}

const USERS = "peppermill_writer, peppermill_analyst"

function createTable(shape: EventShape, partitioned: boolean): string {
  const table = parseTableName(shape.table)
  const columns = eventColumns(shape).map(({ name, ddl }) => `      ${quoteIdentifier(name)} ${ddl}`)
  const create = `create table ${quoteTable(table)} (\n${columns.join(",\n")}\n    )`
  const fallback = quoteTable(defaultPartition(table))
  const lines =
    partitioned && shape.sentDate !== null
      ? [
          `${create} partition by range (${quoteIdentifier(shape.sentDate)});`,
          `    create table ${fallback} partition of ${quoteTable(table)} default;`,
        ]
      : [`${create};`]
  return `do $init$
begin
  if to_regnamespace(${quoteLiteral(quoteIdentifier(table.schema))}) is null then
    create schema ${quoteIdentifier(table.schema)};
  end if;
  if to_regclass(${quoteLiteral(quoteTable(table))}) is null then
    ${lines.join("\n")}
  elsif ${partitioned} and not exists (
    select from pg_class where oid = to_regclass(${quoteLiteral(quoteTable(table))}) and relkind = 'p'
  ) then
    raise exception using message = ${quoteLiteral(`${printTable(table)} exists and is not partitioned`)};
  end if;
end
$init$`
}

interface Index {
  readonly column: string
  readonly method: "btree" | "brin"
}

function indexes(shape: EventShape): readonly Index[] {
  const looked = shape.fields.filter(({ name, mask }) => mask || name === shape.subject)
  return [
    ...looked.map(({ column }) => ({ column, method: "btree" }) as const),
    ...(shape.sentDate === null ? [] : [{ column: shape.sentDate, method: "brin" } as const]),
  ]
}

/** Unless an index already leads with the column: on a large adopted table a second one is a waste. */
function createIndex(shape: EventShape, { column, method }: Index): string {
  const table = quoteTable(parseTableName(shape.table))
  return `do $init$
begin
  if not exists (
    select from pg_index i
      join pg_attribute a on a.attrelid = i.indrelid and a.attnum = i.indkey[0]
      join pg_class c on c.oid = i.indexrelid
      join pg_am m on m.oid = c.relam
    where i.indrelid = to_regclass(${quoteLiteral(table)}) and i.indisvalid and i.indpred is null
      and a.attname = ${quoteLiteral(column)} and m.amname = '${method}'
  ) then
    create index on ${table} using ${method} (${quoteIdentifier(column)});
  end if;
end
$init$`
}
