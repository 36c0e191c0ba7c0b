import { createHash } from "node:crypto"
import { sql } from "kysely"
import type { Database } from "./connection.ts"
import { quoteIdentifier, quoteLiteral, quoteTable, type TableName } from "./identifier.ts"

/** The period whose rows a partition has. Weeks begin on Monday; all are of UTC. */
export type PartitionWidth = "month" | "week" | "day"

/** How many periods beyond the present one have a partition of their own after `init`. */
const AHEAD: Readonly<Record<PartitionWidth, number>> = { month: 12, week: 26, day: 60 }

/** What `to_char` gives for a month, and for the first day of a shorter period. */
const [MONTH, DAY] = ["YYYY_MM", "YYYY_MM_DD"]

/** The partition of every day that is in none of the others. */
export function defaultPartition({ schema, name }: TableName): TableName {
  return { schema, name: partName(name, "default") }
}

/** The last of a table's partitions. */
export interface NewestPartition {
  readonly width: PartitionWidth
  /** The first day that it does not have, as YYYY-MM-DD. */
  readonly until: string
  /** Whether the next period has none: time for `init`. */
  readonly due: boolean
}

/** Of a table that `init` partitioned; of any other null. */
export async function newestPartition(db: Database, table: TableName): Promise<NewestPartition | null> {
  const { rows } = await sql.raw<NewestPartition>(newestQuery(table)).execute(db)
  return rows[0] ?? null
}

/** PostgreSQL gives a partition's bounds as text only, in the session's way to write dates, which it also reads. */
function newestQuery(table: TableName): string {
  return `select width, to_char(until, 'YYYY-MM-DD') as until,
      until <= (now() at time zone 'utc') + ('1 ' || width)::interval as due
    from (
      select bound[2]::date as until,
        case bound[2]::date - bound[1]::date when 1 then 'day' when 7 then 'week' else 'month' end as width
      from pg_catalog.pg_partitioned_table p join pg_catalog.pg_inherits i on i.inhparent = p.partrelid
        join pg_catalog.pg_class c on c.oid = i.inhrelid
        cross join regexp_match(pg_get_expr(c.relpartbound, c.oid),
          'FROM \\(''([^'']+)''\\) TO \\(''([^'']+)''\\)') as bound
      where p.partrelid = to_regclass(${quoteLiteral(quoteTable(table))})
        and p.partdefid = to_regclass(${quoteLiteral(quoteTable(defaultPartition(table)))})
    ) as bounded
    where until is not null order by bounded.until desc limit 1`
}

/**
 * One statement that gives the last period, the present one and the coming ones
 * a partition each. Run again it adds those that have come into reach since, as
 * wide as those that are there.
 *
 * It touches only a table that `init` partitioned: one with our default
 * partition, which takes the rows of every other day, so that a forgotten
 * `init` stops nobody. Rows that waited there move to where they belong.
 */
export function partitionsStatement(table: TableName, sentDate: string, width: PartitionWidth): string {
  const { schema, name } = table
  const stem = partName(name, DAY).slice(0, -DAY.length)
  const ahead = Object.entries(AHEAD).map(([each, periods]) => `when ${quoteLiteral(each)} then ${periods}`)
  return `do $init$
declare
  parent constant text := ${quoteLiteral(quoteTable(table))};
  fallback constant text := ${quoteLiteral(quoteTable(defaultPartition(table)))};
  sent_date constant text := ${quoteLiteral(quoteIdentifier(sentDate))};
  width constant text := coalesce((select width from (${newestQuery(table)}) as newest), ${quoteLiteral(width)});
  period constant interval := '1 ' || width;
  first_day date := date_trunc(width, (now() at time zone 'utc') - period);
  next_day date;
  part text;
begin
  if not exists (
    select from pg_partitioned_table
    where partrelid = to_regclass(parent) and partdefid = to_regclass(fallback)
  ) then
    return;
  end if;
  for n in 0..1 + case width ${ahead.join(" ")} end loop
    next_day := first_day + period;
    part := format('%I.%I', ${quoteLiteral(schema)}, ${quoteLiteral(stem)} ||
      to_char(first_day, case width when 'month' then '${MONTH}' else '${DAY}' end));
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
