import type { Migration } from "./migration.ts"

/**
 * The ledger of committed messages, and what we remember of the mask keys.
 *
 * The writer may not delete from the ledger, or it could make a stored message
 * look new; it may only have rows removed that are too old to come again.
 */
export const ledger: Migration = {
  name: "001-ledger",
  sql: `
create table peppermill.ledger (
  message_id uuid primary key,
  committed_at timestamptz not null default now()
);
create index ledger_committed_at on peppermill.ledger using brin (committed_at);

create table peppermill.mask_keys (
  id text primary key,
  check_value text not null,
  created_at timestamptz not null default now(),
  retired_at timestamptz
);

create function peppermill.prune_ledger(keep_days integer, at_most integer) returns integer
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  pruned integer;
begin
  if keep_days is null or keep_days < 14 then
    raise exception using errcode = 'invalid_parameter_value', message =
      'the ledger keeps 14 days: a queue may hand out a message for that long';
  end if;
  delete from peppermill.ledger where ctid = any (array(
    select ctid from peppermill.ledger
    where committed_at < now() - make_interval(days => keep_days)
    limit at_most
    for update skip locked
  ));
  get diagnostics pruned = row_count;
  return pruned;
end
$function$;
revoke all on function peppermill.prune_ledger(integer, integer) from public;

grant usage on schema peppermill to peppermill_writer;
grant select, insert on peppermill.ledger, peppermill.mask_keys to peppermill_writer;
grant execute on function peppermill.prune_ledger(integer, integer) to peppermill_writer;
`,
}
