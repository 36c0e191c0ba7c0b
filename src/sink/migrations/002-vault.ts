import type { Migration } from "./migration.ts"

/**
 * Where sealed values lie. The writer adds to it and can read nothing of it, not
 * even what it wrote: INSERT is all it has.
 *
 * A row names its data key without a foreign key: checking it would cost as much
 * as the look-up by token, for a rule that the drain keeps anyway (a data key is
 * committed before its first seal).
 *
 * `peppermill.erasures` counts the changes by which an original may have left
 * the vault. A writer that skips what it has stored before looks at the count,
 * and starts over when it has moved.
 */
export const vault: Migration = {
  name: "002-vault",
  sql: `
create schema vault;

create table vault.data_keys (
  id bytea primary key,
  recipients text[] not null,
  wrapped bytea not null,
  created_at timestamptz not null default now()
);

create table vault.originals (
  subject text not null,
  field text not null,
  token text not null,
  data_key bytea not null,
  sealed bytea not null,
  created_at timestamptz not null default now(),
  primary key (subject, field, token)
);
create index originals_token on vault.originals (token);
create index originals_data_key on vault.originals (data_key);

create table vault.quarantine (
  message_id uuid primary key,
  reason text not null,
  field text not null,
  shape text not null,
  data_key bytea not null,
  sealed bytea not null,
  sent_at timestamptz not null,
  created_at timestamptz not null default now()
);
create index quarantine_data_key on vault.quarantine (data_key);

create table peppermill.erasures (
  only_row boolean primary key default true check (only_row),
  epoch bigint not null
);
insert into peppermill.erasures (epoch) values (0);

create function vault.count_erasure() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp
as $function$
begin
  update peppermill.erasures set epoch = epoch + 1;
  return null;
end
$function$;
revoke all on function vault.count_erasure() from public;

create trigger count_erasure
  after delete or truncate or update of subject, field, token on vault.originals
  for each statement execute function vault.count_erasure();

grant usage on schema vault to peppermill_writer;
grant insert on vault.data_keys, vault.originals, vault.quarantine to peppermill_writer;
grant select on peppermill.erasures to peppermill_writer;
`,
}
