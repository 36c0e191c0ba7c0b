import { randomBytes } from "node:crypto"
import { sql, type Transaction } from "kysely"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type ChainHead, verifyChain } from "../../src/audit/chain.ts"
import { appendAudit, auditRecords, listAudit, verifyAudit } from "../../src/audit/database.ts"
import { outcomeOf } from "../../src/audit/outcome.ts"
import { reportRecoveries } from "../../src/audit/report.ts"
import { UserError } from "../../src/errors.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import type { Tables } from "../../src/sink/tables.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import {
  collect,
  device,
  deviceToken,
  fillVault,
  release,
  request,
  type Session,
  session,
} from "../recover/setup.ts"

let database: TestDatabase
let owner: Database
let auditor: Database
let alice: Session
let bob: Session
let carol: Session

/** What happened: see `beforeAll`. */
let size: number

beforeAll(async () => {
  database = await createDatabase()
  await fillVault(
    database,
    Array.from({ length: 10 }, (_, n) => device(n)),
  )
  owner = await openDatabase(database.address, { poolSize: 2 })
  auditor = await openDatabase((await database.login("peppermill_auditor")).address, { poolSize: 2 })
  alice = await session(database, "peppermill_recoverer")
  bob = await session(database, "peppermill_recoverer")
  carol = await session(database, "peppermill_approver")
  for (let n = 0; n < 10; n++) {
    const by = n % 2 === 0 ? alice : bob
    const id = await request(by, n < 5 ? [deviceToken(device(n).value)] : [], n < 5 ? null : `user-${n}`)
    await carol.run("select vault.approve($1)", [id])
    await release(by, id)
    await collect(by, id)
    await release(n % 2 === 0 ? bob : alice, id)
    await by.run("select vault.request(null, 'user-1', 'short')")
  }
  const counted = await database.query<{ n: number }>("select count(*)::int as n from vault.audit")
  size = counted[0]?.n ?? 0
})

afterAll(async () => {
  for (const one of [alice, bob, carol]) await one[Symbol.asyncDispose]()
  for (const db of [owner, auditor]) await db.destroy()
  await database.drop()
})

async function head(): Promise<ChainHead> {
  const verdict = await verifyAudit(auditor)
  if (!verdict.ok) throw new Error(`broken at ${verdict.position}: ${verdict.why}`)
  return verdict
}

describe("the chain that the database made", () => {
  test("is the one that verifyChain expects, for an auditor's login", async () => {
    expect(size).toBe(50)
    expect((await head()).size).toBe(size)
  })

  test("stays whole with texts of every kind, null and empty, and many pages of them", async () => {
    await using other = await createDatabase()
    const db = await openDatabase(other.address, { poolSize: 1 })
    const texts = [
      "",
      "é ü 漢字 \u{1f44d}",
      "\u0001\u001b[2J\u2028\u202e",
      "'; drop table x --",
      "a".repeat(5_000),
      null,
    ]
    await db.transaction().execute(async (tx) => {
      for (const text of texts) {
        await appendAudit(tx, {
          action: "erase",
          subject: text,
          reason: text,
          ticket: text,
          details: { text },
        })
      }
    })
    await other.query(
      "select vault.append('rekey', 'u' || n, n, null, '', null, null) from generate_series(1, 2100) n",
    )
    expect(await verifyAudit(db)).toMatchObject({ ok: true, size: 2106 })
    expect((await listAudit(db, { limit: 2106 })).at(-2)?.subject).toBe(texts[1])
    await db.destroy()
  })

  test("does not fork when many sessions append at one time", async () => {
    await using other = await createDatabase()
    await fillVault(other, [device(1)])
    const sessions = await Promise.all(
      Array.from({ length: 8 }, () => session(other, "peppermill_recoverer")),
    )
    await Promise.all(
      sessions.map(async (by) => {
        for (let n = 0; n < 25; n++) await request(by, [deviceToken(device(1).value)])
        await by[Symbol.asyncDispose]()
      }),
    )
    const db = await openDatabase(other.address, { poolSize: 1 })
    expect(await verifyAudit(db)).toMatchObject({ ok: true, size: 200 })
    await db.destroy()
  })

  test("of no record is whole", async () => {
    await using other = await createDatabase()
    const db = await openDatabase(other.address, { poolSize: 1 })
    expect(await verifyAudit(db)).toEqual({ ok: true, size: 0, head: new Uint8Array(32) })
    await db.destroy()
  })

  test("is read by auditors alone", async () => {
    const stranger = await openDatabase((await database.login("peppermill_recoverer")).address, {
      poolSize: 1,
    })
    for (const read of [
      verifyAudit(stranger),
      listAudit(stranger, { limit: 1 }),
      reportRecoveries(stranger, {}),
    ]) {
      const error = (await read.catch((thrown: unknown) => thrown)) as UserError
      expect(error).toBeInstanceOf(UserError)
      expect([error.kind, error.hint]).toEqual([
        "permission",
        "grant peppermill_auditor to the user of database.url",
      ])
    }
    await stranger.destroy()
  })
})

type Edit = (tx: Transaction<Tables>) => Promise<readonly number[]>

/** A seeded generator (mulberry32), so that a failure can be repeated. */
function generator(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) % below
  }
}

/** What an owner may do to a column so that it says something else. */
const CHANGES = [
  "at = at + interval '1 microsecond'",
  "at = at - interval '1 year'",
  "at = 'infinity'",
  "actor = actor || 'x'",
  "actor = 'postgres'",
  "action = case action when 'release' then 'request' else 'release' end",
  "subject = coalesce(subject || 'x', '')",
  "subject = case when subject is null then 'user-1' end",
  "tokens = tokens + 1",
  "tokens = -tokens - 1",
  "reason = coalesce(reason || ' ', '')",
  "ticket = case when ticket is null then '' end",
  "request_id = case when request_id is null then gen_random_uuid() end",
  "request_id = gen_random_uuid()",
  "details = details || ' '",
  "details = null",
  "details = 'not json'",
  "hash = sha256(hash)",
  "hash = ''",
  "hash = hash || hash",
]

/** An edit of a kind, and the positions at which it may be said to begin. */
function edits(random: (below: number) => number): readonly Edit[] {
  const any = () => 1 + random(size)
  const run = (tx: Transaction<Tables>, text: string) => sql.raw(text).execute(tx)
  return [
    async (tx) => {
      const at = any()
      await run(tx, `update vault.audit set ${CHANGES[random(CHANGES.length)]} where position = ${at}`)
      return [at]
    },
    async (tx) => {
      const at = any()
      await run(tx, `update vault.audit set position = ${size + 1 + random(9)} where position = ${at}`)
      return [at]
    },
    async (tx) => {
      const at = any()
      await run(tx, `delete from vault.audit where position = ${at}`)
      return [at]
    },
    async (tx) => {
      const at = any()
      await run(tx, `delete from vault.audit where position >= ${at}`)
      return [at]
    },
    async (tx) => {
      const [from, count] = [any(), 1 + random(5)]
      await run(tx, `delete from vault.audit where position >= ${from} and position < ${from + count}`)
      return [from]
    },
    async (tx) => {
      const at = any()
      await run(tx, `update vault.audit set position = -position where position >= ${at}`)
      await run(tx, "update vault.audit set position = 1 - position where position < 0")
      await run(
        tx,
        `insert into vault.audit select ${at}, at, 'eve', action, subject, tokens, reason, ticket, request_id,
        details, sha256(hash) from vault.audit order by position limit 1`,
      )
      return [at]
    },
    async (tx) => {
      // A copy under a position that is taken already. Which of the two comes first is nobody's business.
      const at = any()
      await run(tx, "alter table vault.audit drop constraint audit_pkey")
      await run(
        tx,
        `insert into vault.audit select position, at + interval '1 s' * ${random(3) - 1}, actor, action, subject,
        tokens, reason, ticket, request_id, details, hash from vault.audit where position = ${at}`,
      )
      return [at, at + 1]
    },
    async (tx) => {
      const one = any()
      const other = 1 + ((one + random(size - 1)) % size)
      await run(tx, `update vault.audit set position = -position where position in (${one}, ${other})`)
      await run(
        tx,
        `update vault.audit set position = case position when -${one} then ${other} else ${one} end
        where position < 0`,
      )
      return [Math.min(one, other)]
    },
    async (tx) => {
      // Whoever owns the table can make a link that fits the one before; the next one shows it.
      const at = 1 + random(size - 1)
      await rehash(tx, at, at)
      return [at + 1]
    },
    async (tx) => {
      // A whole new chain from some place on, every link of which fits: the checkpoint's own position tells.
      await rehash(tx, any(), size)
      return [size]
    },
  ]
}

/** Change the reason of a record, and make the hashes of some from there on anew. */
async function rehash(tx: Transaction<Tables>, from: number, to: number): Promise<void> {
  await sql.raw(`update vault.audit set reason = 'nothing to see' where position = ${from}`).execute(tx)
  await sql
    .raw(`do $$ begin for p in ${from}..${to} loop
    update vault.audit a set hash = sha256(
      coalesce((select b.hash from vault.audit b where b.position = p - 1), decode(repeat('00', 32), 'hex'))
      || vault.length_prefixed(array['peppermill/audit/v1', a.position::text, vault.micros(a.at)::text, a.actor, a.action,
        a.subject, a.tokens::text, a.reason, a.ticket, a.request_id::text, a.details])) where a.position = p;
    end loop; end $$`)
    .execute(tx)
}

test("1,000 random edits by the owner are all found, and the first bad record is named", async () => {
  const seed = randomBytes(4).readInt32LE()
  const random = generator(seed)
  const checkpoint = await head()
  const kinds = edits(random)
  const undo = new Error("undo")
  const found = new Map<number, number>()
  for (let n = 0; n < 1_000; n++) {
    const kind = n % kinds.length
    const work = owner.transaction().execute(async (tx) => {
      await sql.raw("alter table vault.audit disable trigger all").execute(tx)
      const expected = await (kinds[kind] as Edit)(tx)
      const verdict = await verifyChain(auditRecords(tx), { checkpoint })
      if (!verdict.ok && expected.includes(verdict.position)) found.set(kind, (found.get(kind) ?? 0) + 1)
      else
        throw new Error(`edit ${n} of kind ${kind}, seed ${seed}: ${JSON.stringify({ verdict, expected })}`)
      throw undo
    })
    await work.catch((error: unknown) => {
      if (error !== undo) throw error
    })
  }
  expect([...found.values()]).toEqual(kinds.map(() => 1_000 / kinds.length))
  expect(await verifyAudit(auditor, checkpoint)).toMatchObject({ ok: true })
}, 120_000)

test("without a checkpoint only a cut tail and a chain made anew pass, and with an older one they do not", async () => {
  const checkpoint = await head()
  const verdicts = async (edit: Edit) => {
    const seen: unknown[] = []
    await owner
      .transaction()
      .execute(async (tx) => {
        await sql.raw("alter table vault.audit disable trigger all").execute(tx)
        await edit(tx)
        for (const options of [{}, { checkpoint }]) {
          const verdict = await verifyChain(auditRecords(tx), options)
          seen.push(verdict.ok || [verdict.position, verdict.why])
        }
        throw new Error("undo")
      })
      .catch(() => {})
    return seen
  }
  const cut: Edit = async (tx) => {
    await sql.raw(`delete from vault.audit where position > ${size - 3}`).execute(tx)
    return []
  }
  const anew: Edit = async (tx) => {
    await rehash(tx, 7, size)
    return []
  }
  const grown: Edit = async (tx) => {
    await appendAudit(tx, { action: "erase", reason: "after the checkpoint" })
    return []
  }
  expect(await verdicts(cut)).toEqual([true, [size - 2, "cut-off"]])
  expect(await verdicts(anew)).toEqual([true, [size, "rewritten"]])
  expect(await verdicts(grown)).toEqual([true, true])
})

describe("a list of records", () => {
  test("is the newest first, a page at a time", async () => {
    const first = await listAudit(auditor, { limit: 30 })
    const rest = await listAudit(auditor, { limit: 30, before: first.at(-1)?.position ?? 0 })
    const positions = [...first, ...rest].map(({ position }) => position)
    expect(positions).toEqual(Array.from({ length: size }, (_, index) => size - index))
  })

  test("holds what was asked for and nothing else", async () => {
    const all = await listAudit(auditor, { limit: 1_000 })
    const fitting = async (query: Omit<Parameters<typeof listAudit>[1], "limit">) =>
      (await listAudit(auditor, { ...query, limit: 1_000 })).map(({ position }) => position)
    const among = (test: (record: (typeof all)[number]) => boolean) =>
      all.filter(test).map(({ position }) => position)
    expect(await fitting({ actor: carol.user })).toEqual(among(({ action }) => action === "approve"))
    expect(await fitting({ action: "deny" })).toEqual([])
    const middle = all[20]?.atMicros ?? 0
    expect(await fitting({ sinceMs: middle / 1_000 })).toEqual(among(({ atMicros }) => atMicros >= middle))
    const id = all.find(({ requestId }) => requestId !== null)?.requestId ?? ""
    expect(await fitting({ text: id.toUpperCase() })).toEqual(among(({ requestId }) => requestId === id))
    expect(await fitting({ text: "%" })).toEqual([])
    expect(await fitting({ subject: "user-7" })).toEqual(among(({ subject }) => subject === "user-7"))
  })

  test("of a subject has the release by token that brought something of hers", async () => {
    const records = await listAudit(auditor, { subject: "user-3", limit: 10 })
    expect(records.map(({ action, subject }) => [action, subject])).toEqual([["release", null]])
    expect(outcomeOf(records[0] as (typeof records)[number])).toEqual({
      outcome: "done",
      why: null,
      subjects: ["user-3"],
    })
  })
})

describe("a report", () => {
  test("tells who recovered what, when, why, and who approved it", async () => {
    const recoveries = await reportRecoveries(auditor, {})
    expect(recoveries).toHaveLength(10)
    const [first] = await reportRecoveries(auditor, { subject: "user-3" })
    expect(first).toMatchObject({
      actor: bob.user,
      subjects: ["user-3"],
      originals: 1,
      reason: "fraud case, see the ticket",
      ticket: "SEC-7",
      approvedBy: [carol.user],
    })
    expect((await reportRecoveries(auditor, { actor: alice.user })).map(({ actor }) => actor)).toEqual(
      Array.from({ length: 5 }, () => alice.user),
    )
    expect(await reportRecoveries(auditor, { sinceMs: Date.now() + 60_000 })).toEqual([])
  })

  test("does not take one person for another whose name has the same beginning", async () => {
    await using other = await createDatabase()
    await fillVault(other, [
      { ...device(1), subject: 'u-1"' },
      { ...device(2), subject: "u-1" },
    ])
    await using by = await session(other, "peppermill_recoverer")
    const db = await openDatabase(other.address, { poolSize: 1 })
    for (const n of [1, 2]) await release(by, await request(by, [deviceToken(device(n).value)]))
    expect((await reportRecoveries(db, { subject: "u-1" })).map(({ subjects }) => subjects)).toEqual([
      ["u-1"],
    ])
    expect((await reportRecoveries(db, { subject: 'u-1"' })).map(({ subjects }) => subjects)).toEqual([
      ['u-1"'],
    ])
    expect(await reportRecoveries(db, { subject: "u" })).toEqual([])
    await db.destroy()
  })
})

test("details that somebody spoilt are read as none", () => {
  for (const details of [null, "", "null", "[]", "7", "{", '{"outcome":5,"why":{},"subjects":"u"}']) {
    expect(outcomeOf({ details })).toEqual({ outcome: "done", why: null, subjects: [] })
  }
  const mixed = '{"outcome":"refused","why":"quota","subjects":["u",7,null]}'
  expect(outcomeOf({ details: mixed })).toEqual({ outcome: "refused", why: "quota", subjects: ["u"] })
})
