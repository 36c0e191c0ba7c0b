import { createHash } from "node:crypto"
import { quoteIdentifier, quoteLiteral, quoteTable, type TableName } from "./identifier.ts"

/** How many months beyond the present one have a partition of their own after `init`. */
const MONTHS_AHEAD = 12

/** What `to_char` gives for a month. */
const MONTH = "YYYY_MM"

/** The partition of every month that has none of its own. */
export function defaultPartition({ schema, name }: TableName): TableName {
  return { schema, name: partName(name, "default") }
}

/**
 * One statement that gives the last month, the present one and the coming ones
 * a partition each. Run again it adds those that have come into reach since.
 *
 * It touches only a table that `init` partitioned: one with our default
 * partition, which takes the rows of every other month, so that a forgotten
 * `init` stops nobody. Rows that waited there move into their month.
 */
export function monthsStatement(table: TableName, sentDate: string): string {
  const { schema, name } = table
  const stem = partName(name, MONTH).slice(0, -MONTH.length)
  return `do $init$
declare
  parent constant text := ${quoteLiteral(quoteTable(table))};
  fallback constant text := ${quoteLiteral(quoteTable(defaultPartition(table)))};
  sent_date constant text := ${quoteLiteral(quoteIdentifier(sentDate))};
  first_day date := date_trunc('month', (now() at time zone 'utc') - interval '1 month');
  next_day date;
  part text;
begin
  if not exists (
    select from pg_partitioned_table
    where partrelid = to_regclass(parent) and partdefid = to_regclass(fallback)
  ) then
    return;
  end if;
  for month in 0..${MONTHS_AHEAD + 1} loop
    next_day := first_day + interval '1 month';
    part := format('%I.%I', ${quoteLiteral(schema)}, ${quoteLiteral(stem)} || to_char(first_day, '${MONTH}'));
    if to_regclass(part) is null then
      execute format('create table %s (like %s including defaults)', part, parent);
      execute format('with moved as (delete from %s where %s >= %L and %s < %L returning *) '
        'insert into %s select * from moved',
        fallback, sent_date, first_day, sent_date, next_day, part);
      execute format('alter table %s attach partition %s for values from (%L) to (%L)',
        parent, part, first_day, next_day);
    end if;
    first_day := next_day;
  end loop;
end
$init$`
}

/** Longer names PostgreSQL cuts, and does not find again. */
const NAME_BYTES = 63

/** The name of a table's part. A long one is cut, and has some of the whole one's hash: no two tables share a part. */
function partName(table: string, suffix: string): string {
  const whole = `${table}_${suffix}`
  if (Buffer.byteLength(whole) <= NAME_BYTES) return whole
  const end = `_${createHash("sha256").update(table).digest("hex").slice(0, 8)}_${suffix}`
  const start = Buffer.from(table).toString("utf8", 0, NAME_BYTES - end.length)
  // A character that was cut in two.
  return `${start.replace(/\uFFFD$/, "")}${end}`
}
