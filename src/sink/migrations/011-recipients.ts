import type { Migration } from "./migration.ts"

/**
 * Wrapping data keys for other recipients. What they seal stays as it is.
 *
 * Wrapped data keys are no secret to those who cannot unwrap them, yet they are
 * handed out for a job on record only.
 */
export const recipients: Migration = {
  name: "011-recipients",
  sql: `
create function vault.list_data_keys()
returns table (id bytea, recipients text[], created_at timestamptz, originals bigint, quarantined bigint)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select k.id, k.recipients, k.created_at, coalesce(o.n, 0), coalesce(q.n, 0) from vault.data_keys k
    left join (select data_key, count(*) as n from vault.originals group by 1) as o on o.data_key = k.id
    left join (select data_key, count(*) as n from vault.quarantine group by 1) as q on q.data_key = k.id
  order by k.created_at, k.id
$function$;

create function vault.begin_rewrap(change text, recipient text, reason text, ticket text default null)
returns table (status text, id uuid)
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select * from vault.begin_job('rewrap', 'rewrap', null, reason, ticket,
    jsonb_build_object('change', change, 'recipient', recipient))
$function$;

create function vault.wrapped_page(job uuid, after bytea, at_most integer)
returns table (id bytea, recipients text[], wrapped bytea)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  work vault.jobs := vault.job(job, 'rewrap', 'rewrap');
begin
  if work.id is null then
    return;
  end if;
  return query
    select k.id, k.recipients, k.wrapped from vault.data_keys k
    where k.id > wrapped_page.after
      and (work.details ->> 'recipient' = any (k.recipients)) = (work.details ->> 'change' = 'remove')
    order by k.id limit at_most;
end
$function$;

-- was: what each was wrapped as, so that of two changes at one time none is lost.
create function vault.rewrap(job uuid, ids bytea[], was bytea[], wrapped bytea[])
returns table (status text, data_keys bigint)
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
declare
  work vault.jobs := vault.job(job, 'rewrap', 'rewrap');
  recipient text := work.details ->> 'recipient';
  done bigint;
begin
  if work.id is null then
    return query select 'refused', 0::bigint;
    return;
  end if;
  update vault.data_keys k set wrapped = p.wrapped, recipients = case work.details ->> 'change'
      when 'add' then array_append(array_remove(k.recipients, recipient), recipient)
      else array_remove(k.recipients, recipient) end
    from unnest(ids, was, rewrap.wrapped) as p (id, was, wrapped)
    where k.id = p.id and k.wrapped = p.was and (work.details ->> 'change' = 'add' or k.recipients <> array[recipient]);
  get diagnostics done = row_count;
  if done > 0 then
    perform vault.append('rewrap', null, 0, work.reason, work.ticket, work.id,
      work.details || jsonb_build_object('outcome', 'done', 'dataKeys', done));
  end if;
  return query select 'done', done;
end
$function$;

revoke all on all functions in schema vault from public;
grant execute on function vault.list_data_keys()
  to peppermill_writer, peppermill_recoverer, peppermill_approver, peppermill_auditor, peppermill_keeper,
    peppermill_eraser;
grant execute on function vault.begin_rewrap(text, text, text, text), vault.wrapped_page(uuid, bytea, integer),
    vault.rewrap(uuid, bytea[], bytea[], bytea[])
  to peppermill_keeper;
`,
}
