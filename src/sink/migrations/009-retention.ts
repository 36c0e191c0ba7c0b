import type { Migration } from "./migration.ts"

/**
 * How long the vault keeps what it holds. The days stand in the policy, which
 * `init` stores and whose changes are on record: the writer that prunes at the
 * end of a run does not say how old is old enough.
 *
 * A data key that seals nothing any more goes with it, once no run can still be
 * sealing with it: a run changes its key every day.
 */
export const retention: Migration = {
  name: "009-retention",
  sql: `
alter table vault.policy add column retention_days integer check (retention_days > 0);

create index originals_created_at on vault.originals using brin (created_at);

create function vault.prune(at_most integer)
returns table (originals integer, quarantined integer, data_keys integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  days integer := (select p.retention_days from vault.policy p);
  before timestamptz := clock_timestamp() - make_interval(days => days);
  gone integer;
  bodies integer;
  keys integer;
begin
  if days is null then
    return query select 0, 0, 0;
    return;
  end if;
  -- Before the first delete, as an erasure does: taken the other way round, the two could wait for each other.
  perform vault.take_turn();
  delete from vault.originals o where o.ctid = any (array(
    select old.ctid from vault.originals old where old.created_at < before limit prune.at_most for update skip locked
  ));
  get diagnostics gone = row_count;
  delete from vault.quarantine q where q.ctid = any (array(
    select old.ctid from vault.quarantine old where old.created_at < before limit prune.at_most for update skip locked
  ));
  get diagnostics bodies = row_count;
  delete from vault.data_keys k
    where k.created_at < clock_timestamp() - make_interval(days => greatest(days, 30))
      and not exists (select from vault.originals o where o.data_key = k.id)
      and not exists (select from vault.quarantine q where q.data_key = k.id);
  get diagnostics keys = row_count;
  if gone + bodies + keys > 0 then
    perform vault.append('prune', null, 0, null, null, null, jsonb_build_object('outcome', 'done',
      'retentionDays', days, 'originals', gone, 'quarantined', bodies, 'dataKeys', keys));
  end if;
  return query select gone, bodies, keys;
end
$function$;

revoke all on all functions in schema vault from public;
grant execute on function vault.prune(integer) to peppermill_writer;
`,
}
