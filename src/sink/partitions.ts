import { quoteIdentifier, quoteLiteral, quoteTable, type TableName } from "./identifier.ts"

/** How many months beyond the present one have a partition of their own after `init`. */
const MONTHS_AHEAD = 12

/** The partition of every month that has none of its own. PostgreSQL would cut a name at 63 bytes, and find it no more. */
export function defaultPartition({ schema, name }: TableName): TableName {
  return { schema, name: `${name.slice(0, 55)}_default` }
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
  // As with the default partition: the month would be cut off.
  const stem = `${name.slice(0, 48)}_`
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
    part := format('%I.%I', ${quoteLiteral(schema)}, ${quoteLiteral(stem)} || to_char(first_day, 'YYYY_MM'));
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
