import { afterAll, beforeAll, expect, test } from "vitest"
import { ROLES } from "../../src/sink/roles.ts"
import { createDatabase, type TestDatabase } from "../database.ts"

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
})

afterAll(() => database.drop())

const ANYBODY = ["approver", "auditor", "eraser", "keeper", "recoverer", "writer"]

/** Functions of the vault that work on the quarantine, erase, prune or change keys, and who may call them. */
const CALLERS: Readonly<Record<string, readonly string[]>> = {
  quarantine_groups: ANYBODY,
  quarantine_messages: ANYBODY,
  quarantine_count: ANYBODY,
  list_mask_keys: ANYBODY,
  list_data_keys: ANYBODY,
  mask_key_use: ANYBODY,
  job_status: ["eraser", "keeper"],
  request_message: ["recoverer"],
  release_message: ["recoverer"],
  collect_message: ["recoverer"],
  begin_replay: ["keeper"],
  replay_page: ["keeper"],
  replay: ["keeper"],
  begin_rekey: ["keeper"],
  rekey_page: ["keeper"],
  rekey: ["keeper"],
  finish_rekey: ["keeper"],
  begin_rewrap: ["keeper"],
  wrapped_page: ["keeper"],
  rewrap: ["keeper"],
  drop_messages: ["eraser"],
  erase_preview: ["eraser"],
  begin_scan: ["eraser"],
  scan_page: ["eraser"],
  erase: ["eraser"],
  prune: ["writer"],
  begin_job: [],
  job: [],
  job_defect: [],
  reason_defect: [],
  event_table: [],
  is_chosen: [],
  sever: [],
  move_tokens: [],
  forget_rekeyed: [],
}

test("each function is open to those who need it, and the inner ones to nobody", async () => {
  const callers = await database.query<{ name: string; roles: string[]; definer: boolean }>(
    `select p.proname as name, array(
       select substr(r.role, 12) from unnest($1::text[]) as r (role)
       where has_function_privilege(r.role, p.oid, 'EXECUTE') order by 1) as roles
     from pg_proc p where p.pronamespace = 'vault'::regnamespace and p.proname = any ($2)`,
    [[...ROLES], Object.keys(CALLERS)],
  )
  expect(Object.fromEntries(callers.map(({ name, roles }) => [name, roles]))).toEqual(CALLERS)
})

test("no function of the vault trusts the caller's search_path", async () => {
  const loose = await database.query(
    `select p.proname from pg_proc p where p.pronamespace in ('vault'::regnamespace, 'peppermill'::regnamespace)
       and not coalesce(p.proconfig, '{}') @> array['search_path=pg_catalog, pg_temp']`,
  )
  expect(loose).toEqual([])
})

test("a keeper adds data keys and mask keys, an eraser has functions only", async () => {
  const rights = await database.query<{ right: string }>(
    `select substr(role, 12) || ': ' || right_name || ' ' || c.relname as right
     from unnest(array['peppermill_keeper', 'peppermill_eraser']) as r (role), pg_class c,
       unnest(array['SELECT', 'INSERT', 'UPDATE', 'DELETE', 'TRUNCATE', 'REFERENCES', 'TRIGGER']) as p (right_name)
     where c.relnamespace in ('vault'::regnamespace, 'peppermill'::regnamespace, 'public'::regnamespace)
       and c.relkind in ('r', 'v', 'm', 'p') and has_table_privilege(role, c.oid, right_name)
     order by 1`,
  )
  expect(rights.map(({ right }) => right)).toEqual([
    "keeper: INSERT data_keys",
    "keeper: INSERT mask_keys",
    "keeper: SELECT mask_keys",
  ])
})
