import type { Migration } from "./migration.ts"

/**
 * Moving rows to another mask key.
 *
 * It goes by chunks, a transaction each. A chunk takes the originals that
 * the keeper opened and sealed anew, and moves the rows of their tokens along.
 * `rekeyed` remembers which original has its twin; the old ones stay until the
 * end, so nothing is lost if the work is never finished. The map has to be one
 * to one, and each chunk compares the sizes of the classes before and after:
 * equal stays equal, different stays different, whatever the keeper sends.
 *
 * Chunks go by index, whatever the planner thinks: a session's plans stem from
 * when `rekeyed` was empty.
 *
 * `finish_rekey` keeps writers out of the event table while it looks whether any
 * row still has the old key, because a row that comes after the old originals
 * went could never be re-keyed.
 */
export const rekey: Migration = {
  name: "010-rekey",
  sql: `
create table vault.rekeyed (
  subject text not null,
  field text not null,
  old_token text not null,
  new_token text not null,
  primary key (subject, field, old_token)
);
create index rekeyed_old_token on vault.rekeyed (old_token);
create index rekeyed_new_token on vault.rekeyed (new_token);

-- A statement's trigger instead of a foreign key, which would look up every original that is pruned.
create function vault.forget_rekeyed() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
begin
  delete from vault.rekeyed r using gone g
    where r.subject = g.subject and r.field = g.field and r.old_token = g.token;
  return null;
end
$function$;
create trigger forget_rekeyed after delete on vault.originals
  referencing old table as gone for each statement execute function vault.forget_rekeyed();

create function vault.list_mask_keys()
returns table (id text, check_value text, created_at timestamptz, retired_at timestamptz)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select k.id, k.check_value, k.created_at, k.retired_at from peppermill.mask_keys k order by k.created_at, k.id
$function$;

create function vault.mask_key_use(event_table text)
returns table (id text, events bigint, originals bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  recorded peppermill.event_tables := vault.event_table(event_table);
begin
  return query execute format(
    'select key, sum(events)::bigint, sum(originals)::bigint from (
      select split_part(token, '':'', 1) as key, 0 as events, 1 as originals from vault.originals
      %s) as used group by key order by key',
    (select string_agg(format('union all select split_part(%1$I, '':'', 1), 1, 0 from %2$I.%3$I where %1$I is not null',
      m.name, recorded.schema_name, recorded.table_name), ' ') from jsonb_each_text(recorded.masked) m (field, name)));
end
$function$;

create function vault.begin_rekey(
  event_table text, from_key text, to_key text, reason text, ticket text default null
) returns table (status text, id uuid)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  recorded peppermill.event_tables := vault.event_table(event_table);
  why text := case
    when from_key = to_key then 'same-key'
    when (select count(*) from peppermill.mask_keys k where k.id in (from_key, to_key)) < 2 then 'unknown-key'
    when exists (select from peppermill.mask_keys k where k.id = to_key and k.retired_at is not null) then 'retired-key'
  end;
begin
  if why is not null then
    return query select vault.refuse('rekey', why, null, 0, reason, ticket, null), null::uuid;
    return;
  end if;
  return query select j.* from vault.begin_job('rekey', 'rekey', null, reason, ticket,
    jsonb_build_object('table', recorded.name, 'from', from_key, 'to', to_key)) j;
end
$function$;

create function vault.rekey_page(
  job uuid, after_token text, after_subject text, after_field text, at_most integer
) returns table (subject text, field text, token text, data_key bytea, sealed bytea, wrapped bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $function$
declare
  work vault.jobs := vault.job(job, 'rekey', 'rekey');
begin
  if work.id is null then
    return;
  end if;
  return query
    select o.subject, o.field, o.token, o.data_key, o.sealed, k.wrapped
    from vault.originals o left join vault.data_keys k on k.id = o.data_key
    where (o.token, o.subject, o.field) > (after_token, after_subject, after_field)
      and starts_with(o.token, (work.details ->> 'from') || ':')
      -- Looked up row by row: as a join, each page would go through all that was done before.
      and (select (
          select true from vault.originals twin
          where twin.subject = r.subject and twin.field = r.field and twin.token = r.new_token)
        from vault.rekeyed r where r.subject = o.subject and r.field = o.field and r.old_token = o.token
      ) is null
    order by o.token, o.subject, o.field limit at_most;
end
$function$;

-- Rows of one column to their new tokens. A class that would change in size stops it all.
create function vault.move_tokens(recorded peppermill.event_tables, field text, old text[], new text[])
returns bigint
language plpgsql set search_path = pg_catalog, pg_temp
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $function$
declare
  moved bigint;
  sizes_before bytea;
  sizes_after bytea;
begin
  execute format(
    'with pairs as (
      select old, new from unnest($1, $2) as p (old, new)
    ), before as (
      select t.%1$I as token, count(*) as n from %2$I.%3$I t where t.%1$I = any ($1) group by 1
    ), moved as (
      update %2$I.%3$I t set %1$I = p.new from pairs p where t.%1$I = p.old returning p.new
    ), after as (
      select new, count(*) as n from moved group by 1
    )
    select (select count(*) from moved),
      (select sha256(convert_to(string_agg(n::text, '','' order by n), ''UTF8'')) from before),
      (select sha256(convert_to(string_agg(n::text, '','' order by n), ''UTF8'')) from after)',
    recorded.masked ->> field, recorded.schema_name, recorded.table_name)
    into moved, sizes_before, sizes_after using old, new;
  if sizes_before is distinct from sizes_after then
    raise exception using errcode = 'PM002', message = 'the rows of a token would not stay together';
  end if;
  return moved;
end
$function$;

create function vault.rekey(
  job uuid, subjects text[], fields text[], old text[], new text[], data_keys bytea[], sealed bytea[]
) returns table (status text, events bigint, originals bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off
as $function$
declare
  work vault.jobs := vault.job(job, 'rekey', 'rekey');
  recorded peppermill.event_tables;
  of_field text;
  rows_moved bigint := 0;
  kept bigint;
begin
  if work.id is null then
    return query select 'refused', 0::bigint, 0::bigint;
    return;
  end if;
  recorded := vault.event_table(work.details ->> 'table');
  -- Nobody is being erased meanwhile.
  perform vault.take_turn();
  if exists (
    select from unnest(fields, old, new) as p (field, old, new)
    where not (recorded.masked ? p.field and starts_with(p.old, (work.details ->> 'from') || ':')
      and starts_with(p.new, (work.details ->> 'to') || ':') and p.new ~ '^[a-z][a-z0-9-]{0,15}:[0-9a-f]{64}$')
  ) then
    raise exception using errcode = 'PM002', message = 'a token is not under the key it should be under';
  end if;
  insert into vault.rekeyed (subject, field, old_token, new_token)
    select p.subject, p.field, p.old, p.new from unnest(subjects, fields, old, new) as p (subject, field, old, new)
      join vault.originals o on o.subject = p.subject and o.field = p.field and o.token = p.old
    order by 1, 2, 3
    on conflict do nothing;
  if exists (
    select from unnest(old, new) as p (old, new)
      join vault.rekeyed r on r.old_token = p.old or r.new_token = p.new
    where (r.old_token, r.new_token) <> (p.old, p.new)
  ) then
    raise exception using errcode = 'PM002', message = 'two tokens would become one, or one two';
  end if;
  insert into vault.originals as o (subject, field, token, data_key, sealed, created_at)
    select p.subject, p.field, p.new, p.data_key, p.sealed, was.created_at
    from unnest(subjects, fields, old, new, data_keys, sealed) as p (subject, field, old, new, data_key, sealed)
      join vault.originals was on was.subject = p.subject and was.field = p.field and was.token = p.old
    order by 1, 2, 3
    on conflict (subject, field, token) do update set created_at = least(o.created_at, excluded.created_at);
  get diagnostics kept = row_count;
  for of_field in select distinct f from unnest(fields) as p (f) order by 1 loop
    rows_moved := rows_moved + (
      select vault.move_tokens(recorded, of_field, array_agg(p.old), array_agg(p.new))
      from (select distinct p.old, p.new from unnest(fields, old, new) as p (field, old, new) where p.field = of_field) p
    );
  end loop;
  return query select 'done', rows_moved, kept;
end
$function$;

create function vault.finish_rekey(job uuid)
returns table (status text, events_left bigint, tokens_left bigint, originals_left bigint, classes bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp set lock_timeout = '10s'
as $function$
declare
  work vault.jobs := vault.job(job, 'rekey', 'rekey');
  recorded peppermill.event_tables;
  old_key text := work.details ->> 'from';
  of_field text;
  of_column text;
  some_events bigint;
  some_tokens bigint;
  events bigint := 0;
  tokens bigint := 0;
  originals bigint;
  moved_classes bigint;
begin
  if work.id is null then
    return query select 'refused', 0::bigint, 0::bigint, 0::bigint, 0::bigint;
    return;
  end if;
  recorded := vault.event_table(work.details ->> 'table');
  execute format('lock table %I.%I in share row exclusive mode', recorded.schema_name, recorded.table_name);
  perform vault.take_turn();
  select count(*) into originals from vault.originals o
    where starts_with(o.token, old_key || ':') and (select (
        select true from vault.originals twin
        where twin.subject = r.subject and twin.field = r.field and twin.token = r.new_token)
      from vault.rekeyed r where r.subject = o.subject and r.field = o.field and r.old_token = o.token
    ) is null;
  for of_field, of_column in select m.field, m.name from jsonb_each_text(recorded.masked) m (field, name) loop
    -- Rows that a writer with the old key stored after their token's turn.
    execute format(
      'update %2$I.%3$I t set %1$I = r.new_token
      from (select distinct old_token, new_token from vault.rekeyed where field = $1) r
      where t.%1$I = r.old_token and starts_with(t.%1$I, $2 || '':'')',
      of_column, recorded.schema_name, recorded.table_name) using of_field, old_key;
    execute format('select count(*), count(distinct %1$I) from %2$I.%3$I where starts_with(%1$I, $1 || '':'')',
      of_column, recorded.schema_name, recorded.table_name) into some_events, some_tokens using old_key;
    events := events + some_events;
    tokens := tokens + some_tokens;
  end loop;
  select count(distinct r.old_token) into moved_classes from vault.rekeyed r where starts_with(r.old_token, old_key || ':');
  if moved_classes <> (select count(distinct r.new_token) from vault.rekeyed r where starts_with(r.old_token, old_key || ':'))
  then
    raise exception using errcode = 'PM002', message = 'two tokens became one, or one two';
  end if;
  if events = 0 and originals = 0 then
    delete from vault.originals o where starts_with(o.token, old_key || ':');
    delete from vault.rekeyed r where starts_with(r.old_token, old_key || ':');
    update peppermill.mask_keys k set retired_at = clock_timestamp() where k.id = old_key and k.retired_at is null;
  end if;
  perform vault.append('rekey', null, 0, work.reason, work.ticket, work.id, work.details || jsonb_build_object(
    'outcome', case when events = 0 and originals = 0 then 'retired' else 'incomplete' end,
    'eventsLeft', events, 'originalsLeft', originals, 'classes', moved_classes));
  return query select case when events = 0 and originals = 0 then 'retired' else 'incomplete' end,
    events, tokens, originals, moved_classes;
end
$function$;

revoke all on all functions in schema vault from public;
grant select, insert on peppermill.mask_keys to peppermill_keeper;
grant execute on function vault.list_mask_keys(), vault.mask_key_use(text)
  to peppermill_writer, peppermill_recoverer, peppermill_approver, peppermill_auditor, peppermill_keeper,
    peppermill_eraser;
grant execute on function vault.begin_rekey(text, text, text, text, text),
    vault.rekey_page(uuid, text, text, text, integer),
    vault.rekey(uuid, text[], text[], text[], text[], bytea[], bytea[]), vault.finish_rekey(uuid)
  to peppermill_keeper;
`,
}
