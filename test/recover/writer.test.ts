import { afterAll, beforeAll, expect, test } from "vitest"
import { unwrapDataKey } from "../../src/recover/open.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { device, type SealedRows, type Session, sealed, session, storing } from "./setup.ts"

const COUNT = 1_000

let database: TestDatabase
let writer: Session
let stored: SealedRows

beforeAll(async () => {
  database = await createDatabase()
  writer = await session(database, "peppermill_writer")
  stored = await sealed(Array.from({ length: COUNT }, (_, n) => device(n)))
  for (const { text, values } of storing(stored)) await writer.run(text, values)
  await database.query("analyze vault.originals")
  await database.query(`create schema playground authorization ${writer.user}`)
})

afterAll(async () => {
  await writer[Symbol.asyncDispose]()
  await database.drop()
})

test("the writer has stored a thousand originals", async () => {
  expect(await database.query("select count(*)::int as n from vault.originals")).toEqual([{ n: COUNT }])
})

const READING = [
  "select * from vault.originals",
  "table vault.originals",
  "select sealed from vault.originals limit 1",
  "select o from vault.originals o",
  "select count(*) from vault.originals",
  "select 1 from vault.originals where sealed is not null",
  "select ctid, xmin from vault.originals",
  "copy vault.originals to stdout",
  "copy (select * from vault.originals) to stdout",
  "explain analyze select * from vault.originals",
  "do $$ declare c cursor for select * from vault.originals; begin open c; end $$",
  "prepare p as select * from vault.originals; execute p",
  "create temp view v as select * from vault.originals; select * from v",
  "create temp table t as select * from vault.originals; select * from t",
  "create temp table t (like vault.originals including all); insert into t select * from vault.originals",
  "create function pg_temp.f() returns setof vault.originals language sql security definer as 'table vault.originals'; select * from pg_temp.f()",
  "create table playground.t (a text, b text, c text, foreign key (a, b, c) references vault.originals)",
  "create trigger spy before insert on vault.originals for each row execute function suppress_redundant_updates_trigger()",
  "create rule spy as on insert to vault.originals do also notify spy",
  "create policy spy on vault.originals using (true)",
  "alter table vault.originals owner to current_user",
  "alter table vault.originals enable row level security",
  "grant select on vault.originals to current_user; table vault.originals",
  "insert into vault.originals select * from vault.originals",
  "insert into vault.originals values ('s', 'f', 't', '', '', now()) returning *",
  "insert into vault.originals select subject, field, token, data_key, sealed from vault.originals on conflict do nothing",
  "insert into vault.originals values ('user-1', 'device_id', 't', '', '', now()) on conflict (subject, field, token) do update set sealed = excluded.sealed returning *",
  "merge into vault.originals o using (values (1)) v on true when matched then delete",
  "update vault.originals set sealed = sealed",
  "delete from vault.originals",
  "truncate vault.originals",
  "select * from pg_catalog.pg_statistic",
  "select query_to_xml('select * from vault.originals', true, false, '')",
  "select table_to_xml('vault.originals', true, false, '')",
  "select ts_stat('select to_tsvector(encode(sealed, ''hex'')) from vault.originals')",
  "select pg_read_file('postgresql.auto.conf')",
  "select lo_import('/etc/passwd')",
  "select vault.request(null, 'user-1', 'a reason long enough')",
  "select * from vault.release('00000000-0000-4000-8000-000000000000')",
  "select * from vault.collect('00000000-0000-4000-8000-000000000000')",
  "select * from vault.status('00000000-0000-4000-8000-000000000000')",
  "select vault.approve('00000000-0000-4000-8000-000000000000')",
  "select * from vault.data_keys",
  "select wrapped from vault.data_keys",
  "select * from vault.quarantine",
  "select * from vault.requests",
  "select * from vault.released",
  "select * from vault.request_states",
  "select * from vault.sealed_messages",
  "select * from vault.audit",
  "select * from vault.policy",
  "set role peppermill_recoverer",
  "set role peppermill_auditor",
  "set session authorization postgres",
  "create extension dblink",
  "create extension pageinspect",
  "create publication spy for table vault.originals",
  "select pg_create_logical_replication_slot('spy', 'test_decoding')",
]

test.for(READING)("the writer is refused: %s", async (statement, { skip }) => {
  const [{ version } = { version: 0 }] = await database.query<{ version: number }>(
    "select current_setting('server_version_num')::integer as version",
  )
  skip(statement.startsWith("merge") && version < 150_000, "MERGE came with PostgreSQL 15")
  await writer.run("begin")
  try {
    const error = (await writer.run(statement).then(
      () => null,
      (thrown: unknown) => thrown,
    )) as (Error & { readonly code: string }) | null
    expect(error).not.toBeNull()
    // An attempt that fails for its spelling is no attempt.
    expect(error?.code).toMatch(/^(42501|42809|0A000|55000|22023)$/)
    expect(told(JSON.stringify([error?.message, error]))).toEqual([])
  } finally {
    await writer.run("rollback")
  }
})

const HEX = /[0-9a-f]{64,}/g

/** What of the originals, sealed or clear, stands in a text. Each has a long run of hex digits to know it by. */
function told(text: string): readonly string[] {
  const secrets = new Set(
    stored.rows
      .flatMap(({ value, token, sealed: bytes }) => [value, token, Buffer.from(bytes).toString("hex")])
      .flatMap((secret) => secret.match(HEX) ?? []),
  )
  return (text.match(HEX) ?? []).filter((run) => secrets.has(run))
}

test("nothing that the writer can look at shows an original, sealed or clear", async () => {
  const visible = await database.query<{ name: string }>(
    `select c.oid::regclass::text as name from pg_class c
     where c.relkind in ('r', 'v', 'm', 'p', 'f') and has_table_privilege($1, c.oid, 'SELECT')
       and has_schema_privilege($1, c.relnamespace, 'USAGE')
       and c.relnamespace <> 'information_schema'::regnamespace`,
    [writer.user],
  )
  const names = visible.map(({ name }) => name)
  expect(told(stored.rows[0]?.token ?? "")).toHaveLength(1)
  expect(names).toEqual(expect.arrayContaining(["pg_stats", "peppermill.ledger", "pg_stat_activity"]))
  for (const name of names) {
    const text = JSON.stringify(await writer.run(`select t::text as t from ${name} t`).catch(() => []))
    expect(told(text), name).toEqual([])
  }
})

test("what the writer meets again, no error tells it", async () => {
  const { subject, field, token } = stored.rows[0] as (typeof stored.rows)[number]
  const again = writer.run(
    "insert into vault.originals (subject, field, token, data_key, sealed) values ($1, $2, $3, '', '')",
    [subject, field, token],
  )
  const error = (await again.catch((thrown: unknown) => thrown)) as Error & { detail?: string }
  expect(error.message).toContain("duplicate key")
  expect(error.detail).toBeUndefined()
})

test("with the rows themselves, all a writer holds opens none of them", async () => {
  const { wrapped, id } = stored.dataKey
  // Its configuration has recipients, mask keys and a login; the run's data key is gone with the run.
  const held = ["age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "k1", writer.user]
  for (const text of held) await expect(unwrapDataKey(wrapped, [text])).rejects.toThrow("not an age identity")
  expect(Buffer.from(wrapped).includes(Buffer.from(id))).toBe(false)
})
