/**
 * The group roles that `init` creates. None can log in and none owns anything:
 * grant them to the users that do log in.
 */
export const ROLES = [
  "peppermill_writer",
  "peppermill_recoverer",
  "peppermill_approver",
  "peppermill_auditor",
  "peppermill_analyst",
] as const

/** Roles belong to the whole server, so another database's `init` may create one between our look and our deed. */
export const CREATE_ROLES = `do $init$
declare
  wanted text;
begin
  foreach wanted in array array[${ROLES.map((role) => `'${role}'`).join(", ")}] loop
    if not exists (select from pg_roles where rolname = wanted) then
      begin
        execute format('create role %I nologin', wanted);
      exception when duplicate_object or unique_violation then
        null;
      end;
    end if;
  end loop;
end
$init$`
