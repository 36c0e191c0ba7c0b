import type { Migration } from "./migration.ts"

/**
 * Request and approval: who asks for which originals, for what reason, and who
 * agrees. `005-releases` hands them out.
 *
 * These functions are the only way into the vault for a recoverer, with psql as
 * with us. A refusal is an answer and no exception, because an exception would
 * roll its record back. What is not there and what is another's look alike.
 *
 * No literal here holds a backslash: a session may change what it means.
 */
export const requests: Migration = {
  name: "004-requests",
  sql: `
create table vault.requests (
  id uuid primary key default gen_random_uuid(),
  requester text not null,
  tokens text[] not null,
  subject text,
  reason text not null,
  ticket text,
  approvals integer not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  written_by xid8 not null,
  denied_at timestamptz,
  released_at timestamptz,
  released_by xid8,
  originals integer,
  -- Asked for is a quarantined message instead of originals.
  message_id uuid
);
create index requests_open on vault.requests (expires_at);
create index requests_released on vault.requests (requester, released_at);

create table vault.approvals (
  request uuid not null references vault.requests,
  approver text not null,
  at timestamptz not null,
  written_by xid8 not null,
  primary key (request, approver)
);

-- Not known is no: a status long forgotten, or an id of another server that a dump brought here.
create function vault.committed_before(xid xid8) returns boolean
language sql set search_path = pg_catalog, pg_temp
as $function$
  select case
    when xid = pg_current_xact_id() or xid >= pg_snapshot_xmax(pg_current_snapshot()) then false
    else coalesce(pg_xact_status(xid) = 'committed', false)
  end
$function$;

create function vault.refuse(
  action text, why text, subject text, tokens integer, reason text, ticket text, request_id uuid
) returns text
language plpgsql set search_path = pg_catalog, pg_temp
as $function$
begin
  perform vault.append(action, subject, tokens, left(reason, 1000), left(ticket, 200), request_id,
    jsonb_build_object('outcome', 'refused', 'why', why));
  return case when why = 'foreign' then 'unknown' else why end;
end
$function$;

-- A policy that was changed meanwhile counts where it is the stricter one.
create view vault.request_states as
select r.id, r.requester, r.tokens, r.subject, r.reason, r.ticket, r.created_at, r.written_by,
  least(r.expires_at, r.created_at + make_interval(mins => p.ttl_minutes)) as expires_at,
  greatest(r.approvals, p.approvals) as approvals_needed,
  given.approvals,
  case
    when r.denied_at is not null then 'denied'
    when r.released_at is not null then 'released'
    when clock_timestamp() >= least(r.expires_at, r.created_at + make_interval(mins => p.ttl_minutes)) then 'expired'
    when given.committed >= greatest(r.approvals, p.approvals) then 'approved'
    else 'waiting'
  end as state
from vault.requests r cross join vault.policy p cross join lateral (
  select count(*) filter (where a.approver <> r.requester and vault.committed_before(a.written_by)) as committed,
    coalesce(jsonb_agg(jsonb_build_object('by', a.approver, 'atMs', vault.micros(a.at) / 1000) order by a.at), '[]')
      as approvals
  from vault.approvals a where a.request = r.id
) given;

create function vault.rows_left(policy vault.policy) returns integer
language sql set search_path = pg_catalog, pg_temp
as $function$
  select greatest(0, policy.rows_per_hour - coalesce(sum(r.originals), 0))::integer from vault.requests r
  where r.requester = session_user and r.released_at > clock_timestamp() - interval '1 hour'
$function$;

create function vault.policy_in_force()
returns table (login text, approvals integer, ttl_minutes integer, rows_per_hour integer, rows_left integer)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select session_user::text, p.approvals, p.ttl_minutes, p.rows_per_hour, vault.rows_left(p) from vault.policy p
$function$;

create function vault.reason_defect(subject text, reason text, ticket text) returns text
language sql immutable set search_path = pg_catalog, pg_temp
as $function$
  select case
    when char_length(regexp_replace(coalesce(reason, ''),
      -- What shows as a blank or as nothing.
      '[[:space:][:cntrl:]' || chr(160) || chr(173) || chr(847) || chr(5760) || chr(6158)
        || chr(8192) || '-' || chr(8207) || chr(8232) || '-' || chr(8239) || chr(8287) || '-' || chr(8303)
        || chr(10240) || chr(12288) || chr(12644) || chr(65279) || chr(65440) || ']', '', 'g')) < 10 then 'no-reason'
    when char_length(reason) > 1000 or char_length(ticket) > 200 or char_length(subject) > 1000 then 'too-long'
  end
$function$;

create function vault.request(tokens text[], subject text, reason text, ticket text default null)
returns table (status text, id uuid, approvals_needed integer, expires_at timestamptz)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  policy vault.policy := vault.take_turn();
  wanted text[] := array(select distinct unnest(request.tokens) order by 1);
  made vault.requests;
  why text := case
    when cardinality(wanted) = 0 and request.subject is null or request.subject = '' then 'no-target'
    when cardinality(wanted) > 100 then 'too-many'
    when exists (
      select from unnest(wanted) as given (token)
      where token is null or token !~ '^[a-z][a-z0-9-]{0,15}:[0-9a-f]{64}$'
    ) then 'not-a-token'
    else vault.reason_defect(request.subject, request.reason, request.ticket)
  end;
begin
  if why is not null then
    return query select vault.refuse('request', why, left(request.subject, 1000), cardinality(wanted),
      request.reason, request.ticket, null), null::uuid, null::integer, null::timestamptz;
    return;
  end if;
  insert into vault.requests as r
    (requester, tokens, subject, reason, ticket, approvals, created_at, expires_at, written_by)
    values (session_user, wanted, request.subject, request.reason, nullif(request.ticket, ''), policy.approvals,
      clock_timestamp(), clock_timestamp() + make_interval(mins => policy.ttl_minutes), pg_current_xact_id())
    returning r.* into made;
  perform vault.append('request', made.subject, cardinality(made.tokens), made.reason, made.ticket, made.id,
    jsonb_build_object('outcome', 'done', 'tokens', made.tokens));
  return query select 'requested', made.id, made.approvals, made.expires_at;
end
$function$;

create function vault.approve(request uuid) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  policy vault.policy := vault.take_turn();
  asked vault.request_states;
  why text;
begin
  select s.* into asked from vault.request_states s where s.id = approve.request;
  why := case
    when asked.id is null then 'unknown'
    when asked.requester = session_user then 'own'
    when asked.state in ('denied', 'released') then 'already-' || asked.state
    when asked.state = 'expired' then 'expired'
    when exists (
      select from vault.approvals a where a.request = asked.id and a.approver = session_user
    ) then 'already-approved'
  end;
  if why is not null then
    return vault.refuse('approve', why, asked.subject, coalesce(cardinality(asked.tokens), 0), null, asked.ticket,
      approve.request);
  end if;
  insert into vault.approvals (request, approver, at, written_by)
    values (asked.id, session_user, clock_timestamp(), pg_current_xact_id());
  perform vault.append('approve', asked.subject, cardinality(asked.tokens), null, asked.ticket, asked.id,
    jsonb_build_object('outcome', 'done', 'requester', asked.requester));
  return 'approved';
end
$function$;

create function vault.deny(request uuid) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  policy vault.policy := vault.take_turn();
  asked vault.request_states;
  why text;
begin
  select s.* into asked from vault.request_states s where s.id = deny.request;
  why := case
    when asked.id is null then 'unknown'
    when asked.state in ('denied', 'released') then 'already-' || asked.state
    when asked.state = 'expired' then 'expired'
  end;
  if why is not null then
    return vault.refuse('deny', why, asked.subject, coalesce(cardinality(asked.tokens), 0), null, asked.ticket,
      deny.request);
  end if;
  update vault.requests r set denied_at = clock_timestamp() where r.id = asked.id;
  perform vault.append('deny', asked.subject, cardinality(asked.tokens), null, asked.ticket, asked.id,
    jsonb_build_object('outcome', 'done', 'requester', asked.requester));
  return 'denied';
end
$function$;

create function vault.status(request uuid) returns setof vault.request_states
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select s.* from vault.request_states s
  where s.id = request
    and (s.requester = session_user or pg_has_role(session_user, 'peppermill_approver', 'member'))
$function$;

create function vault.pending() returns setof vault.request_states
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select s.* from vault.request_states s join vault.requests r using (id)
  where r.expires_at > clock_timestamp() and s.state = 'waiting' order by s.created_at
$function$;

revoke all on all functions in schema vault from public;
grant usage on schema vault to peppermill_recoverer, peppermill_approver;
grant execute on function vault.policy_in_force() to peppermill_recoverer, peppermill_approver, peppermill_auditor;
grant execute on function vault.status(uuid) to peppermill_recoverer, peppermill_approver;
grant execute on function vault.request(text[], text, text, text) to peppermill_recoverer;
grant execute on function vault.approve(uuid), vault.deny(uuid), vault.pending() to peppermill_approver;
`,
}
