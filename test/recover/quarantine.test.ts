import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { createDecoder } from "../../src/decode/decode.ts"
import type { EventShape } from "../../src/decode/event-shape.ts"
import { createMask } from "../../src/mask/mask.ts"
import {
  countQuarantined,
  dropQuarantined,
  quarantinedMessages,
  quarantineGroups,
  releaseMessage,
  requestMessage,
  showInOneStep,
} from "../../src/recover/quarantine.ts"
import { recoverInOneStep } from "../../src/recover/release.ts"
import { type Replaying, replay } from "../../src/recover/replay.ts"
import { approveRequest } from "../../src/recover/request.ts"
import { createTokenOf } from "../../src/recover/token-of.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { LOGIN, login } from "../shape.ts"
import { createIdentity } from "../vault/keys.ts"
import { auditLog, MASK_KEY, REASON, release, session } from "./setup.ts"
import { openWriter, SENT_AT_MS, type Writer } from "./writer.ts"

const WHY = { reason: REASON, ticket: "SEC-7" }
const ALL = { reasonCode: null, ids: null }
/** Longer than the shape allows. */
const LONG_DEVICE = "d".repeat(300)
/** The configuration after somebody mended it. */
const MENDED: EventShape = {
  ...LOGIN,
  fields: LOGIN.fields.map((field) => (field.name === "device_id" ? { ...field, maxLength: 400 } : field)),
}

let database: TestDatabase
let writer: Writer
let keeper: Database
let recoverer: Database
let eraser: Database
const opened: Database[] = []

async function as(...roles: string[]): Promise<Database> {
  const db = await openDatabase((await database.login(...roles)).address, { poolSize: 2 })
  opened.push(db)
  return db
}

beforeAll(async () => {
  database = await createDatabase()
  writer = await openWriter(database)
  keeper = await as("peppermill_keeper")
  recoverer = await as("peppermill_recoverer")
  eraser = await as("peppermill_eraser")
})

beforeEach(async () => {
  await database.query("delete from vault.quarantine; delete from vault.originals; delete from user_logins")
  await database.query("update vault.policy set approvals = 0, rows_per_hour = 1000")
})

afterAll(async () => {
  await writer[Symbol.asyncDispose]()
  for (const db of opened) await db.destroy()
  await database.drop()
})

function replaying(change: Partial<Replaying> = {}): Replaying {
  return {
    shape: MENDED,
    decode: createDecoder(MENDED),
    mask: createMask(MASK_KEY, MENDED),
    recipients: [writer.recipient],
    identities: [writer.identity],
    retrySeconds: 0,
    rows: 3,
    ...change,
  }
}

const count = async (table: string) =>
  (await database.query<{ n: number }>(`select count(*)::int as n from ${table}`))[0]?.n

describe("looking", () => {
  test("groups by reason, field and shape, with counts and the oldest, for any role", async () => {
    await writer.write(login({ ip: "999.1.1.1" }), login({ ip: "no" }), "{")
    for (const db of [keeper, recoverer, eraser, await as("peppermill_writer")]) {
      expect(await quarantineGroups(db)).toMatchObject([
        { reason: "not-an-ip", field: "ip", count: 2, oldestSentAtMs: SENT_AT_MS },
        { reason: "not-json", field: "$", shape: "not JSON", count: 1 },
      ])
    }
  })

  test("lists messages of a reason, without their bodies", async () => {
    const [bad] = await writer.write(login({ ip: "999.1.1.1" }), "{")
    const listed = await quarantinedMessages(recoverer, { reason: "not-an-ip" }, 10)
    expect(listed).toMatchObject([{ messageId: bad, reason: "not-an-ip", sentAtMs: SENT_AT_MS }])
    expect(JSON.stringify(listed)).not.toContain("999.1.1.1")
    expect(Math.abs((listed[0]?.quarantinedAtMs ?? 0) - Date.now())).toBeLessThan(60_000)
  })

  test("lists messages by what is asked for, the newest first and no more than asked for", async () => {
    await writer.write(login({ ip: "999.1.1.1" }), login({ device_id: LONG_DEVICE }), "{", "[")
    await database.query(`update vault.quarantine set sent_at = now() - case reason
      when 'not-an-ip' then interval '1 hour' when 'too-long' then interval '2 hours' else interval '3 hours' end`)
    const reasons = async (of: Parameters<typeof quarantinedMessages>[1], limit = 10) =>
      (await quarantinedMessages(recoverer, of, limit)).map(({ reason }) => reason)
    expect(await reasons({})).toEqual(["not-an-ip", "too-long", "not-json", "not-json"])
    expect(await reasons({}, 2)).toEqual(["not-an-ip", "too-long"])
    expect(await reasons({ field: "device_id" })).toEqual(["too-long"])
    expect(await reasons({ shape: "not JSON" })).toEqual(["not-json", "not-json"])
    expect(await reasons({ reason: "not-json", field: "ip" })).toEqual([])
  })
})

describe("showing one", () => {
  test("opens exactly what came, and its record is committed before", async () => {
    const body = login({ ip: "999.1.1.1" })
    const [id = ""] = await writer.write(body)
    expect(await showInOneStep(recoverer, id, WHY, [writer.identity])).toMatchObject({ messageId: id, body })
    expect((await auditLog(database)).slice(-2)).toMatchObject([
      { action: "quarantine-show", outcome: "requested" },
      { action: "quarantine-show", outcome: "done" },
    ])
  })

  test("gives no body to who rolls the record back, or does all in one transaction", async () => {
    const [id] = await writer.write("{")
    await using alice = await session(database, "peppermill_recoverer")
    const asked = () =>
      alice
        .run<{ id: string }>("select id from vault.request_message($1, $2)", [id, REASON])
        .then(([row]) => row?.id)
    const collected = (request: unknown) =>
      alice.run("select sealed from vault.collect_message($1)", [request])
    await alice.run("begin")
    const uncommitted = await asked()
    expect(await alice.run("select vault.release_message($1, $2) as s", [uncommitted, id])).toEqual([
      { s: "uncommitted" },
    ])
    await alice.run("commit")
    const request = await asked()
    await alice.run("begin")
    expect(await alice.run("select vault.release_message($1, $2) as s", [request, id])).toEqual([
      { s: "released" },
    ])
    expect(await collected(request)).toEqual([])
    await alice.run("rollback")
    expect(await collected(request)).toEqual([])
    await alice.run("select vault.release_message($1, $2)", [request, id])
    expect(await collected(request)).toHaveLength(1)
    expect(await collected(request)).toEqual([])
  })

  test("needs the approvals of the policy, counts for its quota, and is nobody else's", async () => {
    const alice = await as("peppermill_recoverer")
    const [id = ""] = await writer.write("{")
    await database.query("update vault.policy set approvals = 1, rows_per_hour = 1")
    expect(await showInOneStep(alice, id, WHY, [writer.identity])).toBeNull()
    const { id: request, approvalsNeeded } = await requestMessage(alice, id, WHY)
    expect(approvalsNeeded).toBe(1)
    await expect(releaseMessage(alice, request, id, [writer.identity])).rejects.toThrow("not approved yet")
    await approveRequest(await as("peppermill_approver"), request)
    const other = await as("peppermill_recoverer")
    await expect(releaseMessage(other, request, id, [writer.identity])).rejects.toThrow("not yours")
    expect(await releaseMessage(alice, request, id, [writer.identity])).toMatchObject({ body: "{" })
    await database.query("update vault.policy set approvals = 0")
    await expect(showInOneStep(alice, id, WHY, [writer.identity])).rejects.toThrow("used up")
  })

  test("says so when the message went while it was released", async () => {
    const [id = ""] = await writer.write("{")
    await database.query(`create function public.drop_all() returns trigger language plpgsql security definer as $$
      begin if new.action = 'quarantine-show' then delete from vault.quarantine; end if; return null; end $$`)
    const { id: request } = await requestMessage(recoverer, id, WHY)
    await database.query(`create constraint trigger drop_all after insert on vault.audit deferrable initially deferred
      for each row execute function public.drop_all()`)
    await expect(releaseMessage(recoverer, request, id, [writer.identity])).rejects.toMatchObject({
      kind: "permission",
      message: expect.stringContaining("no such message"),
    })
    await database.query("drop trigger drop_all on vault.audit")
  })

  test("gives no body for a request that was released as one for originals, past the quota", async () => {
    const [id] = await writer.write("{")
    await using alice = await session(database, "peppermill_recoverer")
    const [made] = await alice.run("select id from vault.request_message($1, $2)", [id, REASON])
    expect(await release(alice, made?.["id"])).toEqual({ status: "released", originals: 0 })
    expect(await alice.run("select * from vault.collect_message($1)", [made?.["id"]])).toEqual([])
  })

  test("wants a reason, and a message that is there", async () => {
    const [id = ""] = await writer.write("{")
    const identities = [writer.identity]
    await expect(showInOneStep(recoverer, id, { reason: "x", ticket: null }, identities)).rejects.toThrow(
      "reason",
    )
    await expect(showInOneStep(recoverer, "nothing", WHY, identities)).rejects.toThrow("not found")
    const nobody = "00000000-0000-4000-8000-000000000000"
    await expect(showInOneStep(recoverer, nobody, WHY, identities)).rejects.toThrow("not found")
    for (const [request, message] of [
      ["nothing", id],
      [nobody, "nothing"],
      [nobody, id],
    ] as const) {
      await expect(releaseMessage(recoverer, request, message, identities)).rejects.toThrow("no such request")
    }
  })
})

describe("replay", () => {
  const bodies = Array.from({ length: 8 }, (_, n) => login({ user_id: `u-${n}`, device_id: LONG_DEVICE }))

  test("stores what is good now exactly once: row, originals, and out of the quarantine", async () => {
    await writer.write(...bodies, "{", login({ ip: "999.1.1.1" }))
    expect(await replay(keeper, ALL, WHY, replaying())).toEqual({
      stored: 8,
      rejected: { "not-json": 1, "not-an-ip": 1 },
      unopened: 0,
      gone: 0,
    })
    const rows = await database.query("select * from user_logins order by user_id")
    expect(rows).toHaveLength(8)
    expect(rows[3]).toMatchObject({
      user_id: "u-3",
      device_type: "android",
      locale: "RU",
      app_version: 2_003_000,
      masked_ip: expect.stringMatching(/^k1:[0-9a-f]{64}$/),
    })
    const [{ day } = { day: "" }] = await database.query(
      "select min(create_date)::text as day from user_logins",
    )
    expect(day).toBe("2026-11-01")
    expect(await count("vault.originals")).toBe(16)
    expect(await count("vault.quarantine")).toBe(2)
    expect(await replay(keeper, ALL, WHY, replaying())).toMatchObject({ stored: 0 })
    expect(await count("user_logins")).toBe(8)
  })

  test("seals the originals for those of today: they come back, each exactly as it came and as what it is", async () => {
    await writer.write(login({ user_id: "u-back", device_id: LONG_DEVICE, ip: "2001:DB8::1" }))
    const { identity, recipient } = await createIdentity()
    await replay(keeper, ALL, WHY, replaying({ recipients: [recipient] }))
    const wanted = { tokens: [], subject: "u-back", reason: REASON, ticket: null }
    const tokenOf = createTokenOf([MASK_KEY], MENDED)
    const opening = { table: MENDED.table, identities: [identity], tokenOf }
    const { originals } = await recoverInOneStep(recoverer, wanted, opening)
    expect(originals.map(({ field, value, verified }) => [field, value, verified]).sort()).toEqual([
      ["device_id", LONG_DEVICE, true],
      ["ip", "2001:DB8::1", true],
    ])
  })

  test("gives the row that a drain would have given", async () => {
    const odd = login({ user_id: 'ü"\\\u2028', locale: null, device_id: LONG_DEVICE, ip: "::ffff:1.2.3.4" })
    await writer.write(odd, odd.replace(LONG_DEVICE, "d"))
    await replay(keeper, ALL, WHY, replaying())
    const [a, b] = await database.query("select * from user_logins")
    expect({ ...a, masked_device_id: "" }).toEqual({ ...b, masked_device_id: "" })
  })

  test("killed at any point and run again, doubles nothing and loses nothing", async () => {
    await writer.write(...bodies)
    // The n-th insert of a row fails, as if the connection had gone.
    await database.query(`
      create sequence public.kills; grant usage on sequence public.kills to public;
      create function public.kill() returns trigger language plpgsql as $$
      begin
        if nextval('public.kills') in (2, 6, 9, 14) then raise exception using errcode = '57P01'; end if;
        return new;
      end $$;
      create trigger kill before insert on public.user_logins for each row execute function public.kill()`)
    let failures = 0
    for (;;) {
      try {
        await replay(keeper, ALL, WHY, replaying())
        break
      } catch {
        failures++
        expect(((await count("user_logins")) ?? 0) + ((await count("vault.quarantine")) ?? 0)).toBe(8)
      }
    }
    await database.query("drop trigger kill on public.user_logins")
    expect(failures).toBe(4)
    expect(await count("user_logins")).toBe(8)
    expect(await count("vault.quarantine")).toBe(0)
    expect(await count("vault.originals")).toBe(16)
  })

  test("keeps no originals when there is nobody to seal them for", async () => {
    await writer.write(...bodies)
    expect(await replay(keeper, ALL, WHY, replaying({ recipients: [] }))).toMatchObject({ stored: 8 })
    expect(await count("user_logins where masked_ip like 'k1:%'")).toBe(8)
    expect(await count("vault.originals")).toBe(0)
  })

  test("stops when the database does, and leaves every message in quarantine", async () => {
    await writer.write(...bodies)
    await database.query(`create or replace function public.full() returns trigger language plpgsql as $$
      begin raise exception using errcode = '53100'; end $$;
      create trigger full_disk before insert on public.user_logins for each row execute function public.full()`)
    await expect(replay(keeper, ALL, WHY, replaying())).rejects.toMatchObject({ kind: "unavailable" })
    await database.query("drop trigger full_disk on public.user_logins")
    expect(await count("vault.quarantine")).toBe(8)
  })

  test("two at a time store each message once", async () => {
    await writer.write(...bodies)
    const results = await Promise.all([1, 2].map(() => replay(keeper, ALL, WHY, replaying({ rows: 1 }))))
    expect(results.reduce((sum, { stored }) => sum + stored, 0)).toBe(8)
    for (const { stored, gone } of results) {
      expect(gone).toBeGreaterThanOrEqual(0)
      expect(stored + gone).toBeLessThanOrEqual(8)
    }
    expect(await count("user_logins")).toBe(8)
  })

  test.each([1, 8])(
    "leaves rows that the table refuses in quarantine, and stores the others, %i at a time",
    async (rows) => {
      await writer.write(...bodies)
      await database.query("alter table user_logins add constraint odd check (user_id not in ('u-1', 'u-4'))")
      const result = await replay(keeper, ALL, WHY, replaying({ rows }))
      await database.query("alter table user_logins drop constraint odd")
      expect(result).toEqual({ stored: 6, rejected: { "not-storable": 2 }, unopened: 0, gone: 0 })
      expect(await count("vault.quarantine")).toBe(2)
    },
  )

  test("takes only what was chosen, and leaves what does not open", async () => {
    const [first = ""] = await writer.write(...bodies, "{")
    const some = { reasonCode: "too-long", ids: [first, "not an id"] }
    expect(await replay(keeper, some, WHY, replaying())).toMatchObject({ stored: 1, rejected: {} })
    expect(await replay(keeper, { reasonCode: null, ids: ["not an id"] }, WHY, replaying())).toMatchObject({
      stored: 0,
    })
    await using stranger = await openWriter(database)
    const strange = replaying({ identities: [stranger.identity] })
    expect(await replay(keeper, ALL, WHY, strange)).toMatchObject({ stored: 0, unopened: 8 })
    expect(await count("vault.quarantine")).toBe(8)
  })

  test("is on record with its counts, and hands out nothing before", async () => {
    await writer.write(...bodies)
    const before = (await auditLog(database)).length
    await replay(keeper, ALL, WHY, replaying({ rows: 5 }))
    const details = await database.query<{ details: string }>(
      "select details from vault.audit where position > $1 order by position",
      [before],
    )
    expect(details.map((row) => JSON.parse(row.details))).toMatchObject([
      { outcome: "begun", messages: 8 },
      { outcome: "stored", messages: 5 },
      { outcome: "stored", messages: 3 },
    ])
    await writer.write(...bodies)
    await using bob = await session(database, "peppermill_keeper")
    await bob.run("begin")
    const [job] = await bob.run("select id from vault.begin_replay(null, null, $1)", [REASON])
    expect(await bob.run("select * from vault.replay_page($1, null, 10)", [job?.["id"]])).toEqual([])
    await bob.run("commit")
    expect(await bob.run("select * from vault.replay_page($1, null, 10)", [job?.["id"]])).toHaveLength(8)
  })

  test("stores no plain value in a masked column, whoever asks", async () => {
    const [id] = await writer.write("{")
    await using bob = await session(database, "peppermill_keeper")
    const [job] = await bob.run("select id from vault.begin_replay(null, null, $1)", [REASON])
    const rows = JSON.stringify([{ message: id, row: { user_id: "u", masked_ip: "203.0.113.9" } }])
    await expect(
      bob.run("select * from vault.replay($1, 'user_logins', $2, '[]')", [job?.["id"], rows]),
    ).rejects.toMatchObject({ code: "23514" })
  })
})

describe("drop", () => {
  test("deletes as many as were agreed to, and otherwise none; both are on record", async () => {
    await writer.write("{", "[", login({ ip: "no" }))
    const broken = { reasonCode: "not-json", ids: null }
    expect(await countQuarantined(eraser, broken)).toBe(2)
    await expect(dropQuarantined(eraser, broken, 3, WHY)).rejects.toMatchObject({ kind: "data" })
    expect(await count("vault.quarantine")).toBe(3)
    expect((await auditLog(database)).at(-1)).toMatchObject({ outcome: "refused", why: "count-differs" })
    expect(await dropQuarantined(eraser, broken, 2, WHY)).toBe(2)
    expect((await auditLog(database)).at(-1)).toMatchObject({ action: "quarantine-drop", outcome: "done" })
    expect(await count("vault.quarantine")).toBe(1)
  })
})

describe("roles", () => {
  test.each([
    ["peppermill_recoverer", "select vault.begin_replay(null, null, 'a good reason')"],
    ["peppermill_recoverer", "select vault.drop_messages(null, null, 0, 'a good reason')"],
    ["peppermill_eraser", "select vault.request_message(gen_random_uuid(), 'a good reason')"],
    ["peppermill_eraser", "select vault.begin_replay(null, null, 'a good reason')"],
    ["peppermill_keeper", "select vault.drop_messages(null, null, 0, 'a good reason')"],
    ["peppermill_keeper", "select vault.request_message(gen_random_uuid(), 'a good reason')"],
    ["peppermill_keeper", "select sealed from vault.quarantine"],
    ["peppermill_keeper", "insert into user_logins (user_id) values ('u')"],
    ["peppermill_writer", "select vault.begin_replay(null, null, 'a good reason')"],
    ["peppermill_writer", "select vault.drop_messages(null, null, 0, 'a good reason')"],
    ["peppermill_writer", "select vault.begin_job('rekey', 'rekey', null, 'a good reason', null, '{}')"],
    ["peppermill_auditor", "select vault.append('erase', null, 0, null, null, null, null)"],
  ])("%s may not: %s", async (role, statement) => {
    await expect(database.query(`set role ${role}; ${statement}`)).rejects.toMatchObject({ code: "42501" })
  })
})
