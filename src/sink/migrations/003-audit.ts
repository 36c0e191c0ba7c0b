import type { Migration } from "./migration.ts"

/**
 * The policy of recoveries, and the record of what people did.
 *
 * Whoever decides or appends holds the policy's row until the end of the
 * transaction: decisions come one after the other and under one policy, and the
 * chain does not fork. An advisory lock would do too, were it not open to every
 * login of the database, to take it and keep it.
 *
 * The canonical bytes are those of `canonicalRecord`.
 */
export const audit: Migration = {
  name: "003-audit",
  sql: `
create table vault.policy (
  only_row boolean primary key default true check (only_row),
  approvals integer not null check (approvals >= 0),
  ttl_minutes integer not null check (ttl_minutes > 0),
  rows_per_hour integer not null check (rows_per_hour >= 0)
);
insert into vault.policy (approvals, ttl_minutes, rows_per_hour) values (0, 15, 100);

create table vault.audit (
  position bigint primary key,
  at timestamptz not null,
  actor text not null,
  action text not null,
  subject text,
  tokens integer not null,
  reason text,
  ticket text,
  request_id uuid,
  details text,
  hash bytea not null
);
create index audit_request on vault.audit (request_id);

create function vault.take_turn() returns vault.policy
language plpgsql set search_path = pg_catalog, pg_temp set lock_timeout = '10s'
as $function$
declare
  policy vault.policy;
begin
  -- What others did while we waited must be seen: a snapshot from before would forget their share of the quota.
  if current_setting('transaction_isolation') <> 'read committed' then
    raise exception using errcode = 'invalid_transaction_state',
      message = 'the vault decides in read committed transactions only';
  end if;
  select p.* into strict policy from vault.policy p for update;
  return policy;
end
$function$;

create function vault.length_prefixed(items text[]) returns bytea
language sql immutable set search_path = pg_catalog, pg_temp
as $function$
  select string_agg(
    case when item is null then int4send(-1)
      else int4send(octet_length(convert_to(item, 'UTF8'))) || convert_to(item, 'UTF8') end,
    '' order by place)
  from unnest(items) with ordinality as list (item, place)
$function$;

create function vault.micros(at timestamptz) returns bigint
language sql immutable set search_path = pg_catalog, pg_temp
as $function$
  select case when isfinite(at) then (extract(epoch from at) * 1000000)::bigint else -1 end
$function$;

create function vault.append(
  action text, subject text, tokens integer, reason text, ticket text, request_id uuid, details jsonb
) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $function$
declare
  entry vault.audit;
  previous bytea;
begin
  perform vault.take_turn();
  -- A session may prefer not to wait for the disk. What it recovers may not come before its record.
  if current_setting('synchronous_commit') = 'off' then
    perform set_config('synchronous_commit', 'on', true);
  end if;
  select last.position, last.hash into entry.position, previous
    from vault.audit last order by last.position desc limit 1;
  entry.position := coalesce(entry.position, 0) + 1;
  entry.at := clock_timestamp();
  entry.actor := session_user;
  entry.action := append.action;
  entry.subject := append.subject;
  entry.tokens := append.tokens;
  entry.reason := append.reason;
  entry.ticket := append.ticket;
  entry.request_id := append.request_id;
  entry.details := append.details;
  entry.hash := sha256(coalesce(previous, decode(repeat('00', 32), 'hex')) || vault.length_prefixed(array[
    'peppermill/audit/v1', entry.position::text, vault.micros(entry.at)::text, entry.actor, entry.action,
    entry.subject, entry.tokens::text, entry.reason, entry.ticket, entry.request_id::text, entry.details
  ]));
  insert into vault.audit values (entry.*);
  return entry.position;
end
$function$;

create function vault.refuse_change() returns trigger
language plpgsql set search_path = pg_catalog, pg_temp
as $function$
begin
  raise exception using errcode = 'insufficient_privilege',
    message = 'the audit log is only ever added to';
end
$function$;
create trigger refuse_change before update or delete or truncate on vault.audit
  for each statement execute function vault.refuse_change();

create function vault.record_policy() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
begin
  perform vault.append('policy', null, 0, null, null, null, to_jsonb(new) - 'only_row');
  return null;
end
$function$;
create trigger record_policy after update on vault.policy
  for each row when (old.* is distinct from new.*) execute function vault.record_policy();

revoke all on all functions in schema vault from public;
grant usage on schema vault to peppermill_auditor;
grant select on vault.audit to peppermill_auditor;
`,
}
