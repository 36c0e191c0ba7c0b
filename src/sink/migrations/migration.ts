/**
 * A step of our own schemas' history. Once released a step never changes: a
 * later one mends it. The event table is no part of this, because its shape is
 * configuration.
 */
export interface Migration {
  /** `001-what-it-brings`: three digits, so that names sort in the order of their making. */
  readonly name: string
  /**
   * Statements, each ended by a semicolon. They run inside a PL/pgSQL block:
   * `perform` instead of a bare `select`, and no `$migration$` quotes.
   */
  readonly sql: string
}

/** Creates the record of which steps were taken. */
export const CREATE_HISTORY = `do $init$
begin
  if to_regclass('peppermill.migrations') is null then
    if to_regnamespace('peppermill') is null then
      create schema peppermill;
    end if;
    create table peppermill.migrations (
      name text primary key,
      applied_at timestamptz not null default now()
    );
  end if;
end
$init$`

/** One statement that takes the step unless the record has it, and records it. */
export function migrationStatement({ name, sql }: Migration): string {
  return `do $migration$
begin
  if not exists (select from peppermill.migrations where name = '${name}') then
${sql.trim()}
    insert into peppermill.migrations (name) values ('${name}');
  end if;
end
$migration$`
}
