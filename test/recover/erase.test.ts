import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { verifyAudit } from "../../src/audit/database.ts"
import { isToken } from "../../src/mask/token.ts"
import { certificate } from "../../src/recover/certificate.ts"
import { eraseSubject, previewErasure, proveErased, scanQuarantine } from "../../src/recover/erase.ts"
import { recoverInOneStep } from "../../src/recover/release.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { LOGIN, login } from "../shape.ts"
import { auditLog, REASON, session, tokenOf } from "./setup.ts"
import { openWriter, type Writer } from "./writer.ts"

const WHY = { reason: REASON, ticket: null }

let database: TestDatabase
let writer: Writer
let eraser: Database
let both: Database
let auditor: Database
const opened: Database[] = []

async function as(...roles: string[]): Promise<Database> {
  const db = await openDatabase((await database.login(...roles)).address, { poolSize: 2 })
  opened.push(db)
  return db
}

beforeAll(async () => {
  database = await createDatabase()
  eraser = await as("peppermill_eraser")
  both = await as("peppermill_eraser", "peppermill_recoverer")
  auditor = await as("peppermill_auditor")
})

beforeEach(async () => {
  await database.query(
    "delete from vault.quarantine; delete from vault.originals; delete from user_logins; update vault.policy set approvals = 0",
  )
  writer = await openWriter(database)
  await writer.write(
    login({ user_id: "u-1", ip: "203.0.113.1", device_id: "a" }),
    login({ user_id: "u-1", ip: "203.0.113.2", device_id: "a" }),
    login({ user_id: "u-2", ip: "203.0.113.1", device_id: "b" }),
    login({ user_id: "u-1", ip: "no address" }),
    login({ user_id: "u-2", ip: "no address" }),
    '{"user_id":"u-1","ip":',
  )
  return () => writer[Symbol.asyncDispose]()
})

afterAll(async () => {
  for (const db of opened) await db.destroy()
  await database.drop()
})

const count = async (from: string) =>
  (await database.query<{ n: number }>(`select count(*)::int as n from ${from}`))[0]?.n

async function erase(db: Database, change: { expected?: number; sever?: boolean } = {}) {
  const { messageIds } = await scanQuarantine(db, "u-1", WHY, [writer.identity])
  return eraseSubject(db, { subject: "u-1", messageIds, expected: 5, sever: false, ...change }, WHY)
}

describe("erase", () => {
  test("shows by field what a person has, and deletes that and nothing of anybody else", async () => {
    expect(await previewErasure(eraser, "u-1")).toEqual({ device_id: 1, ip: 2 })
    const erasure = await erase(eraser)
    expect(erasure).toMatchObject({ originals: { device_id: 1, ip: 2 }, quarantined: 2, severed: 0 })
    expect(Math.abs(erasure.erasedAtMs - Date.now())).toBeLessThan(60_000)
    expect(await previewErasure(eraser, "u-1")).toEqual({})
    expect(await previewErasure(eraser, "u-2")).toEqual({ device_id: 1, ip: 1 })
    expect(await count("vault.quarantine")).toBe(1)
    expect(await count("user_logins")).toBe(3)
  })

  test("finds the bodies that name the person, and says how many it could not look into", async () => {
    expect((await scanQuarantine(eraser, "u-1", WHY, [writer.identity])).messageIds).toHaveLength(2)
    await using other = await openWriter(database)
    expect(await scanQuarantine(eraser, "u-1", WHY, [other.identity])).toEqual({
      messageIds: [],
      unopened: 3,
    })
  })

  test("looks into every body, be it one or more than are handed out at a time", async () => {
    await database.query("delete from vault.quarantine")
    for (const count of [1, 201]) {
      const written = await writer.write(...Array<string>(count).fill('{"user_id":"u-1"'))
      const { messageIds, unopened } = await scanQuarantine(eraser, "u-1", WHY, [writer.identity])
      expect(messageIds).toEqual(expect.arrayContaining([...written]))
      expect(messageIds).toHaveLength(new Set(messageIds).size)
      expect(unopened).toBe(0)
    }
  })

  test("deletes nothing when there is more than was agreed to, and records that", async () => {
    await expect(erase(eraser, { expected: 4, sever: true })).rejects.toMatchObject({ kind: "data" })
    expect(await previewErasure(eraser, "u-1")).toEqual({ device_id: 1, ip: 2 })
    expect(await count("vault.quarantine")).toBe(3)
    expect(await count("user_logins where masked_ip like 'x:%'")).toBe(0)
    expect((await auditLog(database)).at(-1)).toMatchObject({ action: "erase", why: "count-differs" })
  })

  test("severs the person's tokens, each row by itself, and no one else's", async () => {
    const before = await database.query("select * from user_logins where user_id = 'u-2'")
    expect(await erase(eraser, { sever: true })).toMatchObject({ severed: 2 })
    const rows = await database.query(
      "select masked_ip, masked_device_id from user_logins where user_id = 'u-1'",
    )
    const tokens = rows.flatMap((row) => Object.values(row))
    expect(tokens.every(isToken)).toBe(true)
    expect(tokens.every((token) => token.startsWith("x:"))).toBe(true)
    expect(new Set(tokens).size).toBe(4)
    expect(await database.query("select * from user_logins where user_id = 'u-2'")).toEqual(before)
    expect(
      await eraseSubject(eraser, { subject: "u-1", messageIds: [], expected: 0, sever: true }, WHY),
    ).toMatchObject({ severed: 0 })
  })

  test("makes recovery fail, and the certificate's record stands in the log", async () => {
    const wanted = { tokens: [], subject: "u-1", ...WHY }
    const opening = { table: LOGIN.table, identities: [writer.identity], tokenOf }
    expect((await recoverInOneStep(both, wanted, opening)).originals).toHaveLength(3)
    const erasure = await erase(both, { sever: true })
    await expect(recoverInOneStep(both, wanted, opening)).rejects.toThrow("not found")
    const recovery = await proveErased(both, "u-1", WHY)
    expect(recovery).toEqual({ outcome: "not-found" })
    const paper = certificate("u-1", erasure, { ...WHY, sever: true, unopened: 0, recovery })
    expect(paper).toMatchObject({
      schema: 1,
      subject: "u-1",
      deleted: { originals: { device_id: 1, ip: 2 }, quarantined: 2 },
      severedRows: 2,
      recovery: { outcome: "not-found" },
    })
    const [record] = await database.query<{ hash: string; action: string; subject: string }>(
      "select encode(hash, 'hex') as hash, action, subject from vault.audit where position = $1",
      [paper.audit.position],
    )
    expect(record).toEqual({ hash: paper.audit.hash, action: "erase", subject: "u-1" })
    expect(await verifyAudit(auditor)).toMatchObject({ ok: true })
  })

  test("says so when no recovery can be tried, and when something has come since", async () => {
    await erase(both)
    const notTried = (originals: number, why: string) => ({
      outcome: "not-tried",
      why: expect.stringContaining(why),
      originals,
    })
    expect(await proveErased(eraser, "u-1", WHY)).toEqual(notTried(0, "no recoverer"))
    expect(await proveErased(eraser, "u-2", WHY)).toEqual(notTried(2, "no recoverer"))
    await database.query("update vault.policy set approvals = 1")
    expect(await proveErased(both, "u-1", WHY)).toEqual(notTried(0, "approvals by others"))
    await database.query("update vault.policy set approvals = 0, rows_per_hour = 0")
    expect(await proveErased(both, "u-2", WHY)).toEqual(notTried(2, "quota"))
    await database.query("update vault.policy set rows_per_hour = 1000")
    await expect(proveErased(both, "u-1", { reason: "", ticket: null })).rejects.toMatchObject({
      kind: "usage",
    })
    await writer.write(login({ user_id: "u-1", device_id: "new" }))
    expect(await proveErased(both, "u-1", WHY)).toMatchObject({ outcome: "found", originals: 2 })
  })

  test("is impossible without its record", async () => {
    await database.query(
      "create or replace function public.full() returns trigger language plpgsql as $$ begin raise exception 'disk full' using errcode = '53100'; end $$; create trigger full_disk before insert on vault.audit for each row execute function public.full()",
    )
    await expect(
      eraseSubject(eraser, { subject: "u-1", messageIds: [], expected: 3, sever: true }, WHY),
    ).rejects.toMatchObject({ kind: "unavailable" })
    await database.query("drop trigger full_disk on vault.audit")
    expect(await previewErasure(eraser, "u-1")).toEqual({ device_id: 1, ip: 2 })
    expect(await count("user_logins where masked_ip like 'x:%'")).toBe(0)
  })

  test("wants a reason", async () => {
    const what = { subject: "u-1", messageIds: [], expected: 3, sever: false }
    await expect(eraseSubject(eraser, what, { reason: "\u3164 \u00a0", ticket: null })).rejects.toThrow(
      "reason",
    )
    expect(await previewErasure(eraser, "u-1")).toEqual({ device_id: 1, ip: 2 })
  })

  test("hands out no body in the transaction that asks for it", async () => {
    await using bob = await session(database, "peppermill_eraser")
    await bob.run("begin")
    const [job] = await bob.run("select id from vault.begin_scan('u-1', $1)", [REASON])
    expect(await bob.run("select * from vault.scan_page($1, null, 10)", [job?.["id"]])).toEqual([])
    await bob.run("rollback")
    expect(await bob.run("select * from vault.scan_page($1, null, 10)", [job?.["id"]])).toEqual([])
  })
})

describe("roles", () => {
  const ERASE = "select vault.erase('u-1', '{}', 3, false, 'a good reason')"
  test.each([
    ["peppermill_writer", ERASE],
    ["peppermill_recoverer", ERASE],
    ["peppermill_keeper", ERASE],
    ["peppermill_auditor", ERASE],
    ["peppermill_recoverer", "delete from vault.originals"],
    ["peppermill_eraser", "delete from vault.originals"],
    ["peppermill_eraser", "select vault.sever('u-1')"],
    ["peppermill_eraser", "select sealed from vault.originals"],
    ["peppermill_eraser", "select vault.request('{}', 'u-1', 'a good reason')"],
    ["peppermill_eraser", "update user_logins set masked_ip = 'x'"],
    ["peppermill_writer", "select vault.begin_scan('u-1', 'a good reason')"],
  ])("%s may not: %s", async (role, statement) => {
    await expect(database.query(`set role ${role}; ${statement}`)).rejects.toMatchObject({ code: "42501" })
  })
})
