import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import { readPolicy, storePolicy } from "../../src/recover/policy.ts"
import { recoverInOneStep, release } from "../../src/recover/release.ts"
import {
  approveRequest,
  denyRequest,
  pendingRequests,
  requestRecovery,
  requestStatus,
  type Wanted,
} from "../../src/recover/request.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { HOSTILE } from "../hostile.ts"
import { createIdentity } from "../vault/keys.ts"
import { auditLog, type Clear, fillVault, REASON, type SealedRows, tokenOf } from "./setup.ts"

const CLEAR: readonly Clear[] = [
  { subject: "u-1", field: "ip", value: "203.0.113.77" },
  { subject: "u-1", field: "device_id", value: "device of one" },
  { subject: "u-2", field: "ip", value: "203.0.113.77" },
  {
    subject: "u-3",
    field: "device_id",
    value: `${HOSTILE["forged lines"]}${HOSTILE["zero width and tags"]}ё`,
  },
]

let database: TestDatabase
let vault: SealedRows
let owner: Database
let alice: Database
let bob: Database

const opening = () => ({ table: "user_logins", identities: [vault.identity], tokenOf })
const wanted = (change: Partial<Wanted>): Wanted => ({
  tokens: [],
  subject: null,
  reason: REASON,
  ticket: "SEC-7",
  ...change,
})

beforeAll(async () => {
  database = await createDatabase()
  vault = await fillVault(database, CLEAR)
  owner = await openDatabase(database.address, { poolSize: 1 })
  const login = async (role: string) => openDatabase((await database.login(role)).address, { poolSize: 2 })
  alice = await login("peppermill_recoverer")
  bob = await login("peppermill_approver")
})

beforeEach(() => storePolicy(owner, { approvals: 0, ttlMinutes: 15, rowsPerHour: 1_000 }))

afterAll(async () => {
  for (const db of [owner, alice, bob]) await db.destroy()
  await database.drop()
})

describe("a recovery", () => {
  test("that others approved gives back exactly what came in, and verifies it", async () => {
    await storePolicy(owner, { approvals: 1, ttlMinutes: 15, rowsPerHour: 1_000 })
    const asked = await requestRecovery(alice, wanted({ subject: "u-3" }))
    expect(asked).toMatchObject({
      state: "waiting",
      approvalsNeeded: 1,
      approvals: [],
      subject: "u-3",
      ticket: "SEC-7",
    })
    expect(asked.expiresAtMs - asked.createdAtMs).toBe(15 * 60_000)
    expect((await pendingRequests(bob)).map(({ id }) => id)).toContain(asked.id)
    await expect(release(alice, asked.id, opening())).rejects.toThrow("not approved yet")

    await approveRequest(bob, asked.id)
    const approved = await requestStatus(alice, asked.id)
    expect(approved.state).toBe("approved")
    expect(Math.abs((approved.approvals[0]?.atMs ?? 0) - Date.now())).toBeLessThan(60_000)

    const originals = await release(alice, asked.id, opening())
    const { subject, field, value, token } = vault.rows[3] as SealedRows["rows"][number]
    expect(originals).toEqual([{ subject, field, value, token, verified: true }])
    expect((await requestStatus(alice, asked.id)).state).toBe("released")
  })

  test("by token brings everybody who shares it", async () => {
    const { request, originals } = await recoverInOneStep(
      alice,
      wanted({ tokens: [vault.rows[0]?.token as string] }),
      opening(),
    )
    expect(originals.map(({ subject, value }) => [subject, value])).toEqual([
      ["u-1", "203.0.113.77"],
      ["u-2", "203.0.113.77"],
    ])
    const records = (await auditLog(database)).filter(({ requestId }) => requestId === request.id)
    expect(records.map(({ action, tokens }) => [action, tokens])).toEqual([
      ["request", 1],
      ["release", 2],
    ])
  })

  test("with another's identity opens nothing, and says so without the value", async () => {
    const stranger = await createIdentity()
    const { originals } = await recoverInOneStep(alice, wanted({ subject: "u-1" }), {
      ...opening(),
      identities: [stranger.identity],
    })
    expect(originals.map(({ value, verified }) => [value, verified])).toEqual([
      [null, null],
      [null, null],
    ])
  })

  test("shows a row whose original belongs to another token, and one that was moved does not open", async () => {
    await using tampered = await createDatabase()
    const other = await fillVault(tampered, [
      { subject: "u-1", field: "ip", value: "203.0.113.1" },
      { subject: "u-1", field: "device_id", value: "moved" },
    ])
    await tampered.query("update vault.originals set subject = 'u-9' where field = 'device_id'")
    const db = await openDatabase((await tampered.login("peppermill_recoverer")).address, { poolSize: 1 })
    const wrongTokens = { ...opening(), identities: [other.identity], tokenOf: () => "k1:other" }
    const kept = await recoverInOneStep(db, wanted({ subject: "u-1" }), wrongTokens)
    expect(kept.originals).toMatchObject([{ value: "203.0.113.1", verified: false }])
    const moved = await recoverInOneStep(db, wanted({ subject: "u-9" }), wrongTokens)
    expect(moved.originals).toMatchObject([{ value: null, verified: null }])
    const unknownKey = { ...wrongTokens, tokenOf: () => null }
    const unchecked = await recoverInOneStep(db, wanted({ subject: "u-1" }), unknownKey)
    expect(unchecked.originals).toMatchObject([{ value: "203.0.113.1", verified: null }])
    await db.destroy()
  })

  test("whose rows were erased while it was released has its record, and says so", async () => {
    await using bare = await createDatabase()
    const rows = await fillVault(bare, [{ subject: "u-1", field: "ip", value: "203.0.113.1" }])
    await bare.query(`create function public.erase() returns trigger language plpgsql security definer as $$
      begin if new.action = 'release' then delete from vault.originals; end if; return null; end $$;
      create constraint trigger erase after insert on vault.audit deferrable initially deferred
        for each row execute function public.erase()`)
    const db = await openDatabase((await bare.login("peppermill_recoverer")).address, { poolSize: 1 })
    const late = recoverInOneStep(db, wanted({ subject: "u-1" }), {
      ...opening(),
      identities: [rows.identity],
    })
    await expect(late).rejects.toMatchObject({
      kind: "unavailable",
      message: expect.stringContaining("came too late"),
      hint: expect.stringContaining("recover request"),
    })
    expect((await auditLog(bare)).map(({ action }) => action)).toContain("release")
    await db.destroy()
  })

  test("whose data key is gone gives the row without its value", async () => {
    await using bare = await createDatabase()
    const rows = await fillVault(bare, [{ subject: "u-1", field: "ip", value: "203.0.113.1" }])
    await bare.query("delete from vault.data_keys")
    const db = await openDatabase((await bare.login("peppermill_recoverer")).address, { poolSize: 1 })
    const { originals } = await recoverInOneStep(db, wanted({ subject: "u-1" }), {
      ...opening(),
      identities: [rows.identity],
    })
    expect(originals).toMatchObject([{ subject: "u-1", value: null }])
    await db.destroy()
  })
})

describe("a refusal", () => {
  const caught = async (work: Promise<unknown>) => {
    const error = await work.catch((thrown: unknown) => thrown)
    if (!(error instanceof UserError)) throw error
    return error
  }

  test.each([
    [{ subject: "u-1", reason: "          " }, "usage", "a reason has 10 characters"],
    [{ tokens: ["' or 1=1 --"] }, "usage", "not found"],
    [{ tokens: [] }, "usage", "names tokens, a subject, or both"],
    [{ subject: "nobody" }, "permission", "not found"],
    [{ tokens: [`k1:${"0".repeat(64)}`] }, "permission", "not found"],
  ] as const)("of %j is of kind %s and says: %s", async (change, kind, says) => {
    const error = await caught(recoverInOneStep(alice, wanted(change), opening()))
    expect(error.kind).toBe(kind)
    expect(error.message).toContain(says)
  })

  test("of another's request reads like that of one that never was", async () => {
    const asked = await requestRecovery(alice, wanted({ subject: "u-1" }))
    const eve = await openDatabase((await database.login("peppermill_recoverer")).address, { poolSize: 1 })
    const of = async (id: string) => {
      const { kind, message, hint } = await caught(release(eve, id, opening()))
      const status = await caught(requestStatus(eve, id))
      return [kind, message, hint, status.kind, status.message, status.hint]
    }
    const never = await of("00000000-0000-4000-8000-000000000000")
    expect(await of(asked.id)).toEqual(never)
    expect(await of("not even an id")).toEqual(never)
    await eve.destroy()
  })

  test("names what the quota has left", async () => {
    await storePolicy(owner, { approvals: 0, ttlMinutes: 15, rowsPerHour: 1 })
    const dave = await openDatabase((await database.login("peppermill_recoverer")).address, { poolSize: 1 })
    const error = await caught(recoverInOneStep(dave, wanted({ subject: "u-1" }), opening()))
    expect(error.message).toContain("more originals than the 1 that your quota has left")
    expect(error.kind).toBe("permission")
    expect(error.hint).toContain("ask for fewer")
    expect(await readPolicy(dave)).toMatchObject({ rowsPerHour: 1, rowsLeft: 1 })
    await dave.destroy()
  })

  test("of one step where approvals are needed leaves no request behind", async () => {
    await storePolicy(owner, { approvals: 2, ttlMinutes: 15, rowsPerHour: 1_000 })
    const before = (await auditLog(database)).length
    const error = await caught(recoverInOneStep(alice, wanted({ subject: "u-1" }), opening()))
    expect([error.kind, error.message]).toEqual([
      "permission",
      "a recovery needs 2 approvals by other people here",
    ])
    expect(error.hint).toContain("recover request")
    expect(await auditLog(database)).toHaveLength(before)
  })

  test("meets approvers too: what is denied, decided or unknown stays so", async () => {
    const asked = await requestRecovery(alice, wanted({ subject: "u-1" }))
    await denyRequest(bob, asked.id)
    expect((await caught(denyRequest(bob, asked.id))).message).toBe("the request was denied")
    expect((await caught(approveRequest(bob, asked.id))).message).toBe("the request was denied")
    expect((await caught(approveRequest(bob, "no id"))).message).toContain("no such request")
    expect((await caught(release(alice, asked.id, opening()))).message).toBe("the request was denied")
  })

  test("of a user without the role names the role", async () => {
    const stranger = await openDatabase((await database.login()).address, { poolSize: 1 })
    for (const [work, role] of [
      [requestRecovery(stranger, wanted({ subject: "u-1" })), "peppermill_recoverer"],
      [approveRequest(stranger, "00000000-0000-4000-8000-000000000000"), "peppermill_approver"],
    ] as const) {
      const error = await caught(work)
      expect(error.kind).toBe("permission")
      expect(error.hint).toContain(role)
    }
    await stranger.destroy()
  })
})

test("a server whose transactions are serializable by default serves all the same", async () => {
  const { url, address } = await database.login("peppermill_recoverer")
  await database.query(
    `alter role ${new URL(url).username} set default_transaction_isolation = 'serializable'`,
  )
  const db = await openDatabase(address, { poolSize: 1 })
  const { originals } = await recoverInOneStep(db, wanted({ subject: "u-2" }), opening())
  expect(originals).toHaveLength(1)
  await db.destroy()
})

test("the policy that init stores is what users meet, and storing it again records nothing", async () => {
  const policy = { approvals: 1, ttlMinutes: 30, rowsPerHour: 50 }
  await storePolicy(owner, policy)
  expect(await readPolicy(alice)).toMatchObject(policy)
  expect((await readPolicy(alice)).user).toMatch(/^user_/)
  const before = (await auditLog(database)).length
  await storePolicy(owner, policy)
  expect(await auditLog(database)).toHaveLength(before)
  await expect(storePolicy(alice, { ...policy, approvals: 0 })).rejects.toThrow("denied permission")
  for (const wrong of [{ approvals: 0.5 }, { ttlMinutes: Number.NaN }, { rowsPerHour: 2 ** 53 }]) {
    await expect(storePolicy(owner, { ...policy, ...wrong })).rejects.toThrow("whole numbers")
  }
})
