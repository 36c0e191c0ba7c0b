import type { Migration } from "./migration.ts"

/**
 * The vault's keys compare byte by byte, whatever the database's locale. Its
 * rules may change with an operating system's libraries, and an index in the old
 * order then hides rows: of somebody who is being erased, for one. It is also the
 * cheapest comparison there is.
 */
export const bytewise: Migration = {
  name: "012-bytewise",
  sql: `
-- PostgreSQL alters no column that a trigger names.
drop trigger count_erasure on vault.originals;
alter table vault.originals
  alter column subject type text collate "C",
  alter column field type text collate "C",
  alter column token type text collate "C";
create trigger count_erasure
  after delete or truncate or update of subject, field, token on vault.originals
  for each statement execute function vault.count_erasure();

alter table vault.released
  alter column subject type text collate "C",
  alter column field type text collate "C",
  alter column token type text collate "C";

alter table vault.rekeyed
  alter column subject type text collate "C",
  alter column field type text collate "C",
  alter column old_token type text collate "C",
  alter column new_token type text collate "C";
`,
}
