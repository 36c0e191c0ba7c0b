import type { Migration } from "./migration.ts"

/**
 * The release of what was asked for, in two transactions. `release` records it
 * and picks the rows; `collect` hands them out once that record was committed by
 * an earlier one: whoever rolls back has either the record or no rows.
 */
export const releases: Migration = {
  name: "005-releases",
  sql: `
-- What was released and not yet collected.
create table vault.released (
  request uuid not null references vault.requests,
  subject text not null,
  field text not null,
  token text not null,
  primary key (request, subject, field, token)
);

-- Null when the caller may have what was asked for, quota aside.
create function vault.release_defect(asked vault.request_states) returns text
language sql set search_path = pg_catalog, pg_temp
as $function$
  select case
    when asked.id is null then 'unknown'
    when asked.requester <> session_user then 'foreign'
    when not vault.committed_before(asked.written_by) then 'uncommitted'
    when asked.state in ('denied', 'released') then 'already-' || asked.state
    when asked.state <> 'approved' then asked.state
  end
$function$;

create function vault.release(request uuid)
returns table (status text, originals integer, rows_left integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  policy vault.policy := vault.take_turn();
  room integer := vault.rows_left(policy);
  asked vault.request_states;
  found_rows vault.released[];
  why text;
begin
  select s.* into asked from vault.request_states s where s.id = release.request;
  why := vault.release_defect(asked);
  if why is null then
    -- One more than there is room for shows that there are too many.
    if asked.subject is null then
      found_rows := array(
        select row(asked.id, o.subject, o.field, o.token)::vault.released from vault.originals o
        where o.token = any (asked.tokens) limit room + 1);
    else
      found_rows := array(
        select row(asked.id, o.subject, o.field, o.token)::vault.released from vault.originals o
        where o.subject = asked.subject and (cardinality(asked.tokens) = 0 or o.token = any (asked.tokens))
        limit room + 1);
    end if;
    if cardinality(found_rows) > room then
      why := 'quota';
    end if;
  end if;
  if why is not null then
    return query select vault.refuse('release', why, asked.subject, coalesce(cardinality(asked.tokens), 0),
      asked.reason, asked.ticket, release.request), 0, room;
    return;
  end if;

  delete from vault.released d using vault.requests r
    where r.id = d.request and r.released_at < clock_timestamp() - interval '1 minute';
  insert into vault.released select f.* from unnest(found_rows) f;
  update vault.requests r set released_at = clock_timestamp(), released_by = pg_current_xact_id(),
    originals = cardinality(found_rows) where r.id = asked.id;
  perform vault.append('release', asked.subject, cardinality(found_rows), asked.reason, asked.ticket, asked.id,
    jsonb_build_object('outcome', 'done',
      'subjects', array(select distinct f.subject from unnest(found_rows) f order by 1)));
  return query select 'released', cardinality(found_rows), room - cardinality(found_rows);
end
$function$;

-- Null when the caller may collect. waits: whether something released is still there.
create function vault.collect_defect(asked vault.requests, waits boolean) returns text
language sql set search_path = pg_catalog, pg_temp
as $function$
  select case
    when asked.id is null then 'unknown'
    when asked.requester <> session_user then 'foreign'
    when asked.released_at is null then 'unreleased'
    when not vault.committed_before(asked.released_by) then 'uncommitted'
    when asked.released_at < clock_timestamp() - interval '1 minute' then 'too-late'
    when not waits then 'already-collected'
  end
$function$;

create function vault.collect(request uuid)
returns table (subject text, field text, token text, data_key bytea, sealed bytea, wrapped bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  policy vault.policy := vault.take_turn();
  asked vault.requests;
  why text;
begin
  select r.* into asked from vault.requests r where r.id = collect.request;
  why := vault.collect_defect(asked, exists (select from vault.released d where d.request = asked.id));
  if why is not null then
    perform vault.refuse('release', why, asked.subject, coalesce(cardinality(asked.tokens), 0),
      asked.reason, asked.ticket, collect.request);
    return;
  end if;
  return query
    with handed_out as (delete from vault.released d where d.request = asked.id returning d.*)
    select o.subject, o.field, o.token, o.data_key, o.sealed, k.wrapped
    from handed_out h
      join vault.originals o on o.subject = h.subject and o.field = h.field and o.token = h.token
      left join vault.data_keys k on k.id = o.data_key
    order by o.subject, o.field, o.created_at, o.token;
end
$function$;

revoke all on all functions in schema vault from public;
grant execute on function vault.release(uuid), vault.collect(uuid) to peppermill_recoverer;
`,
}
