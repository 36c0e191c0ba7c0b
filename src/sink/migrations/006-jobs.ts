import type { Migration } from "./migration.ts"

/**
 * Work on many sealed values: replaying the quarantine, looking for a person in
 * it, re-keying, rewrapping. No recoverer may do it. A job is on record, with its
 * reason, before the first sealed byte leaves; it is its maker's, and ends after
 * a day.
 *
 * `peppermill.event_tables` is what `init` wrote down of the event's shape, so
 * that no caller can point a job at another table.
 */
export const jobs: Migration = {
  name: "006-jobs",
  sql: `
create table peppermill.event_tables (
  name text primary key,
  schema_name text not null,
  table_name text not null,
  subject_column text not null,
  columns text[] not null,
  masked jsonb not null
);

create table vault.jobs (
  id uuid primary key default gen_random_uuid(),
  kind text not null,
  actor text not null,
  subject text,
  reason text,
  ticket text,
  details jsonb not null,
  started_at timestamptz not null,
  written_by xid8 not null
);

create function vault.begin_job(
  kind text, action text, subject text, reason text, ticket text, details jsonb
) returns table (status text, id uuid)
language plpgsql set search_path = pg_catalog, pg_temp
as $function$
declare
  why text := vault.reason_defect(subject, reason, ticket);
  made vault.jobs;
begin
  if why is not null then
    return query select vault.refuse(action, why, left(subject, 1000), 0, reason, ticket, null), null::uuid;
    return;
  end if;
  insert into vault.jobs as j (kind, actor, subject, reason, ticket, details, started_at, written_by)
    values (begin_job.kind, session_user, begin_job.subject, begin_job.reason, nullif(begin_job.ticket, ''),
      begin_job.details, clock_timestamp(), pg_current_xact_id())
    returning j.* into made;
  perform vault.append(action, made.subject, 0, made.reason, made.ticket, made.id,
    jsonb_build_object('outcome', 'begun') || details);
  return query select 'begun', made.id;
end
$function$;

-- Null when the job may go on. A job is its maker's, committed by an earlier transaction, and good for a day.
create function vault.job_defect(job vault.jobs, kind text) returns text
language sql set search_path = pg_catalog, pg_temp
as $function$
  select case
    when job.id is null or job.kind <> job_defect.kind then 'unknown'
    when job.actor <> session_user then 'foreign'
    when not vault.committed_before(job.written_by) then 'uncommitted'
    when clock_timestamp() >= job.started_at + interval '1 day' then 'expired'
  end
$function$;

-- The job when it may go on. Otherwise null, and the attempt is on record.
create function vault.job(id uuid, kind text, action text) returns vault.jobs
language plpgsql set search_path = pg_catalog, pg_temp
as $function$
declare
  asked vault.jobs;
  why text;
begin
  select j.* into asked from vault.jobs j where j.id = job.id;
  why := vault.job_defect(asked, kind);
  if why is not null then
    perform vault.refuse(action, why, asked.subject, 0, asked.reason, asked.ticket, job.id);
    return null;
  end if;
  return asked;
end
$function$;

create function vault.event_table(name text) returns peppermill.event_tables
language plpgsql set search_path = pg_catalog, pg_temp
as $function$
declare
  found_table peppermill.event_tables;
begin
  select t.* into found_table from peppermill.event_tables t where t.name = event_table.name;
  if not found then
    raise exception using errcode = 'undefined_table', message = 'init has not recorded this event table';
  end if;
  return found_table;
end
$function$;

create function vault.job_status(job uuid, kind text) returns text
language sql security definer set search_path = pg_catalog, pg_temp
as $function$
  select case found.why when 'foreign' then 'unknown' else coalesce(found.why, 'good') end
  from (select vault.job_defect(j, job_status.kind) as why
    from (values (1)) as one left join vault.jobs j on j.id = job_status.job) as found
$function$;

revoke all on all functions in schema vault from public;
grant usage on schema vault to peppermill_keeper, peppermill_eraser;
grant usage on schema peppermill to peppermill_keeper;
grant execute on function vault.policy_in_force(), vault.job_status(uuid, text)
  to peppermill_keeper, peppermill_eraser;
`,
}
