import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { ROLES } from "../../src/sink/roles.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { collect, device, deviceToken, fillVault, release, request, session } from "./setup.ts"

/** Those who write, recover, approve, audit and analyse. Who keeps and erases is tested with what they do. */
const PEOPLE = ROLES.slice(0, 5)

let database: TestDatabase

beforeAll(async () => {
  database = await createDatabase()
  await fillVault(database, [device(1), device(2)])
})

afterAll(() => database.drop())

test("of the vault's tables a writer may add to three, an auditor read one, and nobody do more", async () => {
  const rights = await database.query<{ role: string; right: string; name: string }>(
    `select role, right_name as right, c.relname as name
     from unnest($1::text[]) as r (role), pg_class c, unnest($2::text[]) as p (right_name)
     where c.relnamespace = 'vault'::regnamespace and c.relkind in ('r', 'v', 'm', 'p')
       and (has_table_privilege(role, c.oid, right_name)
         or (right_name in ('SELECT', 'INSERT', 'UPDATE', 'REFERENCES') and has_any_column_privilege(role, c.oid, right_name)))
     order by 1, 2, 3`,
    [PEOPLE, ["SELECT", "INSERT", "UPDATE", "DELETE", "TRUNCATE", "REFERENCES", "TRIGGER"]],
  )
  expect(rights.map(({ role, right, name }) => `${role.slice(11)}: ${right} ${name}`)).toEqual([
    "auditor: SELECT audit",
    "writer: INSERT data_keys",
    "writer: INSERT originals",
    "writer: INSERT quarantine",
  ])
})

test("the functions of a recovery are open to who needs them, and the inner ones to nobody", async () => {
  const callers = await database.query<{ name: string; roles: string[] }>(
    `select p.proname as name, array(
       select substr(r.role, 12) from unnest($1::text[]) as r (role)
       where has_function_privilege(r.role, p.oid, 'EXECUTE') order by 1) as roles
     from pg_proc p where p.pronamespace = 'vault'::regnamespace and p.proname = any ($2)`,
    [PEOPLE, Object.keys(CALLERS)],
  )
  expect(Object.fromEntries(callers.map(({ name, roles }) => [name, roles]))).toEqual(CALLERS)
})

/** Functions of the vault, and those who may call them. */
const CALLERS: Readonly<Record<string, readonly string[]>> = {
  request: ["recoverer"],
  release: ["recoverer"],
  collect: ["recoverer"],
  approve: ["approver"],
  deny: ["approver"],
  pending: ["approver"],
  status: ["approver", "recoverer"],
  policy_in_force: ["approver", "auditor", "recoverer"],
  append: [],
  refuse: [],
  take_turn: [],
  rows_left: [],
  committed_before: [],
  record_policy: [],
  count_erasure: [],
}

test("the roles own nothing, cannot log in, and have no attribute of power", async () => {
  const owned = await database.query(
    `select d.classid::regclass, d.objid from pg_shdepend d join pg_roles r on r.oid = d.refobjid
     where d.refclassid = 'pg_authid'::regclass and d.deptype = 'o' and r.rolname = any ($1)`,
    [ROLES],
  )
  expect(owned).toEqual([])
  const powerful = await database.query(
    `select rolname from pg_roles where rolname = any ($1)
       and (rolsuper or rolcreaterole or rolcreatedb or rolcanlogin or rolreplication or rolbypassrls)`,
    [ROLES],
  )
  expect(powerful).toEqual([])
})

test("everybody else may do nothing in the vault", async () => {
  await using stranger = await session(database)
  for (const statement of [
    "select * from vault.originals",
    "select * from vault.audit",
    "select * from vault.policy_in_force()",
    "select vault.request(null, 'user-1', 'a reason long enough')",
  ]) {
    await expect(stranger.run(statement)).rejects.toThrow("permission denied")
  }
})

test("every function of ours that runs as its owner pins its search path and is closed to the public", async () => {
  const functions = await database.query<{ name: string; pinned: boolean; open: boolean }>(
    `select p.oid::regprocedure::text as name,
       coalesce('search_path=pg_catalog, pg_temp' = any (p.proconfig), false) as pinned,
       exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0) as open
     from pg_proc p where p.pronamespace in ('vault'::regnamespace, 'peppermill'::regnamespace)`,
  )
  expect(functions.length).toBeGreaterThan(15)
  expect(functions.filter(({ pinned, open }) => !pinned || open)).toEqual([])
})

test("nothing in the functions' text depends on what a session takes a backslash for", async () => {
  const bodies = await database.query<{ name: string }>(
    `select p.proname as name from pg_proc p
     where p.pronamespace = 'vault'::regnamespace and strpos(p.prosrc, chr(92)) > 0`,
  )
  expect(bodies).toEqual([])
})

describe("the audit log", () => {
  test.each([...ROLES, "nobody"])("cannot be changed by %s", async (role) => {
    await using member = await session(database, ...(role === "nobody" ? [] : [role]))
    for (const statement of [
      "update vault.audit set reason = 'none'",
      "delete from vault.audit",
      "truncate vault.audit",
      "insert into vault.audit (position, at, actor, action, tokens, hash) values (1, now(), 'x', 'x', 0, '')",
      "select vault.append('erase', null, 0, null, null, null, null)",
      "alter table vault.audit disable trigger all",
      "drop table vault.audit",
      "do $$ begin lock table vault.audit in exclusive mode; end $$",
      "set session_replication_role = replica",
    ]) {
      await expect(member.run(statement), statement).rejects.toThrow(/permission denied|must be owner/)
    }
  })

  test("is only ever added to, by its owner too", async () => {
    await using recoverer = await session(database, "peppermill_recoverer")
    await request(recoverer, [], "user-1")
    for (const statement of [
      "update vault.audit set reason = 'none'",
      "delete from vault.audit",
      "delete from vault.audit where false",
      "truncate vault.audit",
    ]) {
      await expect(database.query(statement), statement).rejects.toThrow("only ever added to")
    }
  })

  test("records a change of the policy, who made it, and to what", async () => {
    await database.query("update vault.policy set approvals = 3, rows_per_hour = 7")
    await database.query("update vault.policy set approvals = 3, rows_per_hour = 7")
    const entries = await database.query<{ actor: string; details: string }>(
      "select actor, details from vault.audit where action = 'policy' and details like '%7%'",
    )
    await database.query("update vault.policy set approvals = 0, rows_per_hour = 100")
    expect(entries.map(({ actor, details }) => [actor, JSON.parse(details)])).toMatchObject([
      ["postgres", { approvals: 3, ttl_minutes: 15, rows_per_hour: 7 }],
    ])
  })
})

test("objects of the caller's own making take no part in a decision", async () => {
  await using mallory = await session(database, "peppermill_recoverer")
  await using alice = await session(database, "peppermill_recoverer")
  await database.query(`create schema evil authorization ${mallory.user}`)
  await database.query(`grant temporary on database ${database.address.database} to ${mallory.user}`)
  const foreign = await request(alice, [deviceToken(device(1).value)])
  await mallory.run(`
    create function evil.pg_xact_status(xid8) returns text language sql as $$ select 'committed' $$;
    create function evil.pg_current_xact_id() returns xid8 language sql as $$ select '3'::xid8 $$;
    create function evil.clock_timestamp() returns timestamptz language sql as $$ select 'epoch'::timestamptz $$;
    create function evil.cardinality(anyarray) returns integer language sql as $$ select 0 $$;
    create function evil.sha256(bytea) returns bytea language sql as $$ select ''::bytea $$;
    create function evil.always(text, text) returns boolean language sql as $$ select true $$;
    create function evil.never(text, text) returns boolean language sql as $$ select false $$;
    create operator evil.= (leftarg = text, rightarg = text, function = evil.always);
    create operator evil.<> (leftarg = text, rightarg = text, function = evil.never);
    create temp table requests (id uuid, requester text);
    create temp table policy (approvals integer);
    create temp table originals (subject text);
    set search_path = evil, pg_temp, pg_catalog`)
  expect((await release(mallory, foreign)).status).toBe("unknown")
  expect(await collect(mallory, foreign)).toEqual([])
  await mallory.run("begin")
  const own = await request(mallory, [deviceToken(device(1).value)])
  expect((await release(mallory, own)).status).toBe("uncommitted")
  await mallory.run("commit")
  expect((await release(mallory, own)).status).toBe("released")
  const hashes = await database.query<{ length: number }>(
    "select distinct octet_length(hash) as length from vault.audit",
  )
  expect(hashes).toEqual([{ length: 32 }])
})

test("an erasure moves the count that writers look at, and storing does not", async () => {
  await using writer = await session(database, "peppermill_writer")
  const epoch = async () => Number((await writer.run("select epoch from peppermill.erasures"))[0]?.["epoch"])
  const before = await epoch()
  await fillVault(database, [device(7)])
  expect(await epoch()).toBe(before)
  await database.query("delete from vault.originals where subject = 'user-7'")
  const erased = await epoch()
  expect(erased).toBeGreaterThan(before)
  await database.query("update vault.originals set token = token where subject = 'user-2'")
  const remasked = await epoch()
  expect(remasked).toBeGreaterThan(erased)
  await expect(writer.run("update peppermill.erasures set epoch = 0")).rejects.toThrow("permission denied")
  await database.query("truncate vault.originals cascade")
  expect(await epoch()).toBeGreaterThan(remasked)
})
