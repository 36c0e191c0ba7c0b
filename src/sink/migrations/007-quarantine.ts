import type { Migration } from "./migration.ts"

/**
 * What may be done with quarantined messages, and by whom.
 *
 * Looking at the groups opens nothing: whoever works with peppermill may. A body
 * holds the originals of a person, so showing one goes the way of a recovery:
 * request, approval where the policy asks for it, release, and it counts for the
 * quota. A replay reads bodies in bulk, which no recoverer may: that is for
 * `peppermill_keeper`, and begins a job that is on record before the first body
 * leaves. Dropping is for `peppermill_eraser`, who can read none.
 *
 * A keeper has no rights on the event table. `replay` stores the rows, and takes
 * each message out of the quarantine in the same statement's transaction: none
 * can vanish without its row, and none can be stored twice.
 */
export const quarantine: Migration = {
  name: "007-quarantine",
  sql: `
-- What was released and not yet collected.
create table vault.released_messages (
  request uuid primary key references vault.requests,
  message_id uuid not null
);

-- A message, and what its data key is wrapped as.
create view vault.sealed_messages as
select q.message_id, q.reason, q.field, q.sent_at, q.data_key, q.sealed, k.wrapped
from vault.quarantine q left join vault.data_keys k on k.id = q.data_key;

create function vault.quarantine_groups()
returns table (reason text, field text, shape text, messages bigint, oldest timestamptz, newest timestamptz)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select q.reason, q.field, q.shape, count(*), min(q.sent_at), max(q.sent_at)
  from vault.quarantine q group by 1, 2, 3 order by 4 desc, 1, 2, 3
$function$;

create function vault.quarantine_messages(of_reason text, of_field text, of_shape text, at_most integer)
returns table (message_id uuid, reason text, field text, shape text, sent_at timestamptz, created_at timestamptz)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select q.message_id, q.reason, q.field, q.shape, q.sent_at, q.created_at from vault.quarantine q
  where (q.reason = of_reason or of_reason is null) and (q.field = of_field or of_field is null)
    and (q.shape = of_shape or of_shape is null)
  order by q.sent_at desc, q.message_id limit at_most
$function$;

create function vault.is_chosen(message vault.quarantine, reason_code text, ids uuid[]) returns boolean
language sql immutable set search_path = pg_catalog, pg_temp
as $function$
  select (message.reason = reason_code or reason_code is null) and (message.message_id = any (ids) or ids is null)
$function$;

create function vault.quarantine_count(reason_code text, ids uuid[]) returns bigint
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select count(*) from vault.quarantine q where vault.is_chosen(q, reason_code, ids)
$function$;

create function vault.request_message(message_id uuid, reason text, ticket text default null)
returns table (status text, id uuid, approvals_needed integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  policy vault.policy := vault.take_turn();
  why text := coalesce(vault.reason_defect(null, reason, ticket), case
    when not exists (select from vault.quarantine q where q.message_id = request_message.message_id)
      then 'no-message'
  end);
  made vault.requests;
begin
  if why is not null then
    return query select vault.refuse('quarantine-show', why, null, 0, reason, ticket, null), null::uuid, null::integer;
    return;
  end if;
  insert into vault.requests as r
    (requester, tokens, reason, ticket, approvals, created_at, expires_at, written_by, message_id)
    values (session_user, '{}', request_message.reason, nullif(request_message.ticket, ''), policy.approvals,
      clock_timestamp(), clock_timestamp() + make_interval(mins => policy.ttl_minutes), pg_current_xact_id(),
      request_message.message_id)
    returning r.* into made;
  perform vault.append('quarantine-show', null, 0, made.reason, made.ticket, made.id,
    jsonb_build_object('outcome', 'requested', 'message', made.message_id));
  return query select 'requested', made.id, made.approvals;
end
$function$;

create function vault.release_message(request uuid, message_id uuid) returns text
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  policy vault.policy := vault.take_turn();
  asked vault.request_states;
  message uuid;
  why text;
begin
  select s.* into asked from vault.request_states s where s.id = release_message.request;
  select r.message_id into message from vault.requests r where r.id = asked.id;
  why := case
    when message is distinct from release_message.message_id then 'unknown'
    else coalesce(vault.release_defect(asked), case
      when not exists (select from vault.quarantine q where q.message_id = message) then 'no-message'
      when vault.rows_left(policy) < 1 then 'quota'
    end)
  end;
  if why is not null then
    return vault.refuse('quarantine-show', why, null, 0, asked.reason, asked.ticket, release_message.request);
  end if;
  delete from vault.released_messages d using vault.requests r
    where r.id = d.request and r.released_at < clock_timestamp() - interval '1 minute';
  insert into vault.released_messages values (asked.id, message);
  update vault.requests r set released_at = clock_timestamp(), released_by = pg_current_xact_id(), originals = 1
    where r.id = asked.id;
  perform vault.append('quarantine-show', null, 0, asked.reason, asked.ticket, asked.id,
    jsonb_build_object('outcome', 'done', 'message', message));
  return 'released';
end
$function$;

create function vault.collect_message(request uuid)
returns setof vault.sealed_messages
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  asked vault.requests;
  why text;
begin
  perform vault.take_turn();
  select r.* into asked from vault.requests r where r.id = collect_message.request;
  why := vault.collect_defect(asked, exists (select from vault.released_messages d where d.request = asked.id));
  if why is not null then
    perform vault.refuse('quarantine-show', why, null, 0, asked.reason, asked.ticket, collect_message.request);
    return;
  end if;
  return query
    with handed_out as (delete from vault.released_messages d where d.request = asked.id returning d.*)
    select m.* from handed_out h join vault.sealed_messages m on m.message_id = h.message_id;
end
$function$;

create function vault.begin_replay(reason_code text, ids uuid[], reason text, ticket text default null)
returns table (status text, id uuid)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select * from vault.begin_job('quarantine-replay', 'quarantine-replay', null, reason, ticket,
    jsonb_build_object('reasonCode', reason_code, 'ids', ids, 'messages', vault.quarantine_count(reason_code, ids)))
$function$;

create function vault.replay_page(job uuid, after uuid, at_most integer)
returns setof vault.sealed_messages
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  work vault.jobs := vault.job(job, 'quarantine-replay', 'quarantine-replay');
  ids uuid[] := case jsonb_typeof(work.details -> 'ids')
    when 'array' then array(select jsonb_array_elements_text(work.details -> 'ids')::uuid) end;
begin
  if work.id is null then
    return;
  end if;
  return query
    select m.* from vault.quarantine q join vault.sealed_messages m using (message_id)
    where vault.is_chosen(q, work.details ->> 'reasonCode', ids)
      and (m.message_id > replay_page.after or replay_page.after is null)
    order by m.message_id limit at_most;
end
$function$;

-- rows: [{message, row: {column: value}}]. originals: [{message, subject, field, token, dataKey, sealed}], bytes as hex.
create function vault.replay(job uuid, event_table text, rows jsonb, originals jsonb)
returns table (status text, stored integer)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  work vault.jobs := vault.job(job, 'quarantine-replay', 'quarantine-replay');
  events peppermill.event_tables;
  taken uuid[];
begin
  if work.id is null then
    return query select 'refused', 0;
    return;
  end if;
  events := vault.event_table(event_table);
  if exists (
    select from jsonb_array_elements(rows) as given (item), jsonb_each_text(events.masked) as masked (field, name)
    where item -> 'row' ->> masked.name !~ '^[a-z][a-z0-9-]{0,15}:[0-9a-f]{64}$'
  ) then
    raise exception using errcode = 'check_violation', schema = 'vault',
      message = 'a masked column takes tokens only';
  end if;
  with gone as (
    delete from vault.quarantine q
    where q.message_id in (select (item ->> 'message')::uuid from jsonb_array_elements(rows) as given (item))
    returning q.message_id
  )
  select coalesce(array_agg(message_id), '{}') into taken from gone;
  insert into peppermill.ledger (message_id) select unnest(taken) on conflict do nothing;
  execute format(
    'insert into %1$I.%2$I (%3$s)
    select %4$s from jsonb_array_elements($1) as given (item),
      jsonb_populate_record(null::%1$I.%2$I, item -> ''row'') as r
    where (item ->> ''message'')::uuid = any ($2)',
    events.schema_name, events.table_name,
    (select string_agg(quote_ident(name), ', ') from unnest(events.columns) as c (name)),
    (select string_agg('r.' || quote_ident(name), ', ') from unnest(events.columns) as c (name)))
    using rows, taken;
  insert into vault.originals (subject, field, token, data_key, sealed)
    select item ->> 'subject', item ->> 'field', item ->> 'token',
      decode(item ->> 'dataKey', 'hex'), decode(item ->> 'sealed', 'hex')
    from jsonb_array_elements(originals) as given (item)
    where (item ->> 'message')::uuid = any (taken)
    order by 1, 2, 3
    on conflict do nothing;
  if cardinality(taken) > 0 then
    perform vault.append('quarantine-replay', null, 0, work.reason, work.ticket, work.id,
      jsonb_build_object('outcome', 'stored', 'messages', cardinality(taken)));
  end if;
  return query select 'stored', cardinality(taken);
end
$function$;

create function vault.drop_messages(
  reason_code text, ids uuid[], expected bigint, reason text, ticket text default null
) returns table (status text, messages bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  why text := vault.reason_defect(null, reason, ticket);
  dropped bigint := 0;
begin
  if why is null then
    -- A block of its own: what was deleted comes back when there is more, or less, than was agreed to.
    begin
      delete from vault.quarantine q where vault.is_chosen(q, reason_code, ids);
      get diagnostics dropped = row_count;
      if dropped is distinct from expected then
        raise exception using errcode = 'PM001';
      end if;
    exception when sqlstate 'PM001' then
      why := 'count-differs';
    end;
  end if;
  if why is not null then
    return query select vault.refuse('quarantine-drop', why, null, 0, reason, ticket, null), dropped;
    return;
  end if;
  perform vault.append('quarantine-drop', null, 0, reason, nullif(ticket, ''), null,
    jsonb_build_object('outcome', 'done', 'reasonCode', reason_code, 'ids', ids, 'messages', dropped));
  return query select 'dropped', dropped;
end
$function$;

revoke all on all functions in schema vault from public;
grant execute on function vault.quarantine_groups(), vault.quarantine_messages(text, text, text, integer),
    vault.quarantine_count(text, uuid[])
  to peppermill_writer, peppermill_recoverer, peppermill_approver, peppermill_auditor, peppermill_keeper,
    peppermill_eraser;
grant execute on function vault.request_message(uuid, text, text), vault.release_message(uuid, uuid),
    vault.collect_message(uuid)
  to peppermill_recoverer;
grant execute on function vault.begin_replay(text, uuid[], text, text), vault.replay_page(uuid, uuid, integer),
    vault.replay(uuid, text, jsonb, jsonb)
  to peppermill_keeper;
grant insert on vault.data_keys to peppermill_keeper;
grant execute on function vault.drop_messages(text, uuid[], bigint, text, text) to peppermill_eraser;
`,
}
