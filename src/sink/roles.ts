/**
 * The group roles that `init` creates. None can log in and none owns anything:
 * grant them to the users that do log in.
 *
 * - writer: adds to the event table and the vault, and reads neither.
 * - recoverer: requests and releases originals, within the policy; deletes nothing.
 * - approver: approves what others request.
 * - auditor: reads the audit log.
 * - analyst: reads the event table.
 * - keeper: replays rejects, moves tokens to another mask key, rewraps data keys. It is handed sealed
 *   values in bulk, outside the quota, so it belongs to those who hold an identity anyway.
 * - eraser: deletes a person's originals, drops rejects, severs tokens; is handed sealed rejects, and no original.
 */
export const ROLES = [
  "peppermill_writer",
  "peppermill_recoverer",
  "peppermill_approver",
  "peppermill_auditor",
  "peppermill_analyst",
  "peppermill_keeper",
  "peppermill_eraser",
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
