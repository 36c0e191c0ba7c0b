import type { Migration } from "./migration.ts"

/**
 * Erasing a person. `erase` deletes and records in one transaction, so there is
 * no erasure without a record; and it deletes nothing when there is more, or
 * less, than was agreed to.
 *
 * It is for `peppermill_eraser`, who is handed no original. To find the
 * quarantined bodies that name a person they have to be opened: `scan_page` hands
 * them out sealed, for a job that is on record, and they open with an identity
 * only.
 *
 * Severing gives each of the person's rows tokens of its own, under the key id
 * `x` that no mask key may have. `event_tables` says where; no caller does.
 */
export const erase: Migration = {
  name: "008-erase",
  sql: `
alter table peppermill.mask_keys add constraint mask_keys_severed check (id <> 'x');

create function vault.erase_preview(subject text) returns table (field text, originals bigint)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select o.field, count(*) from vault.originals o where o.subject = $1 group by 1 order by 1
$function$;

create function vault.begin_scan(subject text, reason text, ticket text default null)
returns table (status text, id uuid)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select * from vault.begin_job('erase-scan', 'quarantine-show', subject, reason, ticket,
    jsonb_build_object('for', 'erase', 'messages', vault.quarantine_count(null, null)))
$function$;

create function vault.scan_page(job uuid, after uuid, at_most integer)
returns setof vault.sealed_messages
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  work vault.jobs := vault.job(job, 'erase-scan', 'quarantine-show');
begin
  if work.id is null then
    return;
  end if;
  return query
    select m.* from vault.sealed_messages m
    where m.message_id > scan_page.after or scan_page.after is null
    order by m.message_id limit at_most;
end
$function$;

-- The rows whose tokens were replaced.
create function vault.sever(subject text) returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
as $function$
declare
  events peppermill.event_tables;
  severed bigint;
  total bigint := 0;
begin
  for events in select t.* from peppermill.event_tables t where t.masked <> '{}' order by t.name loop
    -- Random for each row and column, 244 bits of it: what was one person's is now nobody's twice.
    execute format('update %I.%I t set %s where t.%I = $1 and (%s)', events.schema_name, events.table_name,
      (select string_agg(format(
        '%1$I = case when t.%1$I is not null then ''x:'' ||
          encode(sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())), ''hex'') end', m.name), ', ')
        from jsonb_each_text(events.masked) m (field, name)),
      events.subject_column,
      (select string_agg(format('left(t.%1$I, 2) <> ''x:''', m.name), ' or ')
        from jsonb_each_text(events.masked) m (field, name)))
      using subject;
    get diagnostics severed = row_count;
    total := total + severed;
  end loop;
  return total;
end
$function$;

create function vault.erase(
  subject text, messages uuid[], expected bigint, sever boolean, reason text, ticket text default null
) returns table (
  status text, originals jsonb, quarantined bigint, severed bigint, erased_at timestamptz, record bigint, hash bytea
)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  why text := case when coalesce(erase.subject, '') = '' then 'no-target'
    else vault.reason_defect(erase.subject, erase.reason, erase.ticket) end;
  by_field jsonb := '{}';
  gone bigint := 0;
  bodies bigint := 0;
  rows_severed bigint := 0;
  entry bigint;
begin
  -- Not while a chunk is being re-keyed, which would bring back under a new token what is deleted under the old.
  perform vault.take_turn();
  if why is null then
    -- A block of its own: what was deleted comes back when the count differs.
    begin
      with deleted as (
        delete from vault.originals o where o.subject = erase.subject returning o.field
      ), counted as (
        select d.field, count(*) as n from deleted d group by d.field
      )
      select coalesce(jsonb_object_agg(c.field, c.n), '{}'), coalesce(sum(c.n), 0) into by_field, gone from counted c;
      delete from vault.quarantine q where q.message_id = any (erase.messages);
      get diagnostics bodies = row_count;
      if gone + bodies is distinct from expected then
        raise exception using errcode = 'PM001';
      end if;
      if erase.sever then
        rows_severed := vault.sever(erase.subject);
      end if;
    exception when sqlstate 'PM001' then
      why := 'count-differs';
    end;
  end if;
  if why is not null then
    return query select vault.refuse('erase', why, left(erase.subject, 1000), 0, erase.reason, erase.ticket, null),
      null::jsonb, null::bigint, null::bigint, null::timestamptz, null::bigint, null::bytea;
    return;
  end if;
  entry := vault.append('erase', erase.subject, gone::integer, erase.reason, nullif(erase.ticket, ''), null,
    jsonb_build_object('outcome', 'done', 'originals', by_field, 'quarantined', bodies,
      'sever', erase.sever, 'severed', rows_severed));
  return query select 'erased', by_field, bodies, rows_severed, a.at, a.position, a.hash
    from vault.audit a where a.position = entry;
end
$function$;

revoke all on all functions in schema vault from public;
grant execute on function vault.erase_preview(text), vault.begin_scan(text, text, text),
    vault.scan_page(uuid, uuid, integer), vault.erase(text, uuid[], bigint, boolean, text, text)
  to peppermill_eraser;
`,
}
