import fc from "fast-check"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { createDatabase, type TestDatabase } from "../database.ts"
import {
  auditLog,
  collect,
  device,
  deviceToken,
  fillVault,
  REASON,
  release,
  request,
  type Session,
  session,
} from "./setup.ts"

const TOKENS = [1, 2, 3].map((n) => deviceToken(device(n).value))

let database: TestDatabase
let alice: Session
let mallory: Session
let bob: Session
let carol: Session

beforeAll(async () => {
  database = await createDatabase()
  await fillVault(
    database,
    Array.from({ length: 20 }, (_, n) => device(n)),
  )
  alice = await session(database, "peppermill_recoverer")
  // She may approve as well, which must not help her.
  mallory = await session(database, "peppermill_recoverer", "peppermill_approver")
  bob = await session(database, "peppermill_approver")
  carol = await session(database, "peppermill_approver")
})

beforeEach(async () => {
  for (const one of [alice, mallory, bob, carol]) await one.run("rollback")
  await policy(0)
})

afterAll(async () => {
  for (const one of [alice, mallory, bob, carol]) await one[Symbol.asyncDispose]()
  await database.drop()
})

async function policy(approvals: number, rowsPerHour = 100_000, ttlMinutes = 15): Promise<void> {
  await database.query("update vault.policy set approvals = $1, rows_per_hour = $2, ttl_minutes = $3", [
    approvals,
    rowsPerHour,
    ttlMinutes,
  ])
}

const lastEntry = async () => (await auditLog(database)).at(-1)

describe("the way back", () => {
  test("is a request, a release and the rows, each on record before the next", async () => {
    const id = await request(alice, TOKENS)
    expect(await lastEntry()).toMatchObject({
      actor: alice.user,
      action: "request",
      tokens: 3,
      requestId: id,
    })
    expect(await release(alice, id)).toEqual({ status: "released", originals: 3 })
    expect(await lastEntry()).toMatchObject({
      actor: alice.user,
      action: "release",
      tokens: 3,
      outcome: "done",
    })
    expect((await collect(alice, id)).map(({ token }) => token).sort()).toEqual([...TOKENS].sort())
  })

  test("gives the originals of a subject, and of a subject only those of some tokens", async () => {
    const all = await request(alice, [], "user-1")
    expect(await release(alice, all)).toEqual({ status: "released", originals: 1 })
    expect(await collect(alice, all)).toHaveLength(1)
    const some = await request(alice, TOKENS, "user-2")
    expect(await release(alice, some)).toEqual({ status: "released", originals: 1 })
    expect(await collect(alice, some)).toHaveLength(1)
    const none = await request(alice, [TOKENS[0] as string], "user-2")
    expect(await release(alice, none)).toEqual({ status: "released", originals: 0 })
    expect(await collect(alice, none)).toEqual([])
  })

  test("can be gone once only", async () => {
    const id = await request(alice, TOKENS)
    await release(alice, id)
    expect(await collect(alice, id)).toHaveLength(3)
    expect(await collect(alice, id)).toEqual([])
    expect(await lastEntry()).toMatchObject({ outcome: "refused", why: "already-collected" })
    expect((await release(alice, id)).status).toBe("already-released")
    expect(await collect(alice, id)).toEqual([])
  })

  test("leads to nothing that was erased meanwhile", async () => {
    const id = await request(alice, [], "user-19")
    await release(alice, id)
    await database.query("delete from vault.originals where subject = 'user-19'")
    expect(await collect(alice, id)).toEqual([])
  })
})

describe("no row comes back without a committed record", () => {
  test("when release and collect share a transaction, whatever its end", async () => {
    for (const end of ["rollback", "commit"]) {
      const id = await request(alice, TOKENS)
      await alice.run("begin")
      expect((await release(alice, id)).status).toBe("released")
      expect(await collect(alice, id)).toEqual([])
      await alice.run(end)
      expect(await collect(alice, id)).toHaveLength(end === "commit" ? 3 : 0)
    }
  })

  test("when the request itself is not committed", async () => {
    await alice.run("begin")
    const id = await request(alice, TOKENS)
    expect((await release(alice, id)).status).toBe("uncommitted")
    expect(await collect(alice, id)).toEqual([])
    await alice.run("rollback")
    expect((await release(alice, id)).status).toBe("unknown")
  })

  test("when savepoints and exceptions pretend that something ended", async () => {
    const id = await request(alice, TOKENS)
    await alice.run("begin")
    await alice.run("savepoint a")
    await release(alice, id)
    await alice.run("release savepoint a")
    expect(await collect(alice, id)).toEqual([])
    await alice.run("savepoint b")
    expect(await collect(alice, id)).toEqual([])
    await alice.run("rollback to savepoint b")
    expect(await collect(alice, id)).toEqual([])
    await alice.run("rollback")

    await alice.run("create temp table loot (sealed bytea)")
    await alice.run(`do $$ begin
      begin
        perform vault.release('${id}');
        insert into loot select sealed from vault.collect('${id}');
        raise exception 'undo';
      exception when others then null;
      end;
      insert into loot select sealed from vault.collect('${id}');
    end $$`)
    expect(await alice.run("select * from loot")).toEqual([])
  })

  test("when a cursor is filled while the transaction ends", async () => {
    const id = await request(alice, TOKENS)
    await alice.run("begin")
    await alice.run(`declare loot cursor with hold for select sealed from vault.collect('${id}')`)
    await release(alice, id)
    await alice.run("commit")
    expect(await alice.run("fetch all from loot")).toEqual([])
  })

  test("when one statement does it all", async () => {
    const id = await request(alice, TOKENS)
    const rows = await alice.run(
      `with released as materialized (select * from vault.release('${id}'))
       select c.sealed from released, lateral vault.collect('${id}') c`,
    )
    expect(rows).toEqual([])
  })

  test("when the record cannot be written", async () => {
    const id = await request(alice, TOKENS)
    await database.query(
      "alter table vault.audit add constraint full_disk check (action <> 'release') not valid",
    )
    await expect(release(alice, id)).rejects.toThrow()
    expect(await collect(alice, id).catch(() => [])).toEqual([])
    await database.query("alter table vault.audit drop constraint full_disk")
    expect((await release(alice, id)).status).toBe("released")
  })

  test("when the session makes its own writes impossible", async () => {
    const id = await request(alice, TOKENS)
    for (const setting of [
      "transaction_read_only = on",
      "transaction_isolation = 'repeatable read'",
      "transaction_isolation = 'serializable'",
    ]) {
      await alice.run("begin")
      await alice.run(`set local ${setting}`)
      await expect(release(alice, id)).rejects.toThrow()
      await alice.run("rollback")
      await alice.run("begin")
      await alice.run(`set local ${setting}`)
      await expect(collect(alice, id)).rejects.toThrow()
      await alice.run("rollback")
    }
    expect((await auditLog(database)).filter(({ requestId }) => requestId === id)).toHaveLength(1)
  })

  test("when a session would rather not wait for the disk", async () => {
    const id = await request(alice, TOKENS)
    await alice.run("begin")
    await alice.run("set synchronous_commit = off")
    await release(alice, id)
    expect(await alice.run("show synchronous_commit")).toEqual([{ synchronous_commit: "on" }])
    await alice.run("rollback")
    await alice.run("reset synchronous_commit")
  })

  test("in whatever order the steps are taken, committed, undone and repeated", async () => {
    const step = fc.constantFrom(
      "begin",
      "commit",
      "rollback",
      "savepoint s",
      "rollback to s",
      "release",
      "collect",
    )
    let handedOut = 0
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 2, maxLength: 14 }), async (steps) => {
        await alice.run("rollback")
        const id = await request(alice, TOKENS)
        for (const one of steps) {
          if (one === "release") await release(alice, id).catch(() => {})
          else if (one === "collect") {
            const rows = await collect(alice, id).catch(() => [])
            if (rows.length === 0) continue
            handedOut++
            const records = (await auditLog(database)).filter(({ requestId }) => requestId === id)
            expect(records).toContainEqual(
              expect.objectContaining({ action: "release", outcome: "done", tokens: 3 }),
            )
          } else await alice.run(one).catch(() => {})
        }
      }),
      { numRuns: 150 },
    )
    expect(handedOut).toBeGreaterThan(0)
    await alice.run("rollback")
  })
})

describe("a request is good for", () => {
  test("its own requester only; another's looks like one that never was", async () => {
    const id = await request(alice, TOKENS)
    const never = "00000000-0000-4000-8000-000000000000"
    expect(await release(mallory, id)).toEqual(await release(mallory, never))
    expect(await collect(mallory, id)).toEqual([])
    expect(await alice.run("select * from vault.status($1)", [never])).toEqual([])
    const log = await auditLog(database)
    expect(log.slice(-3).map(({ why, actor, requestId }) => [actor, why, requestId])).toEqual([
      [mallory.user, "foreign", id],
      [mallory.user, "unknown", never],
      [mallory.user, "foreign", id],
    ])
    await release(alice, id)
    expect(await collect(mallory, id)).toEqual([])
    expect(await collect(alice, id)).toHaveLength(3)
    await using eve = await session(database, "peppermill_recoverer")
    expect(await eve.run("select * from vault.status($1)", [id])).toEqual([])
  })

  test("its time only, on the clock and not on the transaction's", async () => {
    const id = await request(alice, TOKENS)
    await database.query(
      "update vault.requests set expires_at = clock_timestamp() + interval '300 ms' where id = $1",
      [id],
    )
    await alice.run("begin")
    await alice.run("select now()")
    await alice.run("select pg_sleep(0.4)")
    expect((await release(alice, id)).status).toBe("expired")
    await alice.run("commit")
    expect(await lastEntry()).toMatchObject({ action: "release", outcome: "refused", why: "expired" })
    expect(await collect(alice, id)).toEqual([])
  })

  test("the shorter of the times it was given and the policy has now", async () => {
    const id = await request(alice, TOKENS)
    await database.query(
      "update vault.requests set created_at = created_at - interval '10 minutes' where id = $1",
      [id],
    )
    await policy(0, 100, 5)
    expect((await release(alice, id)).status).toBe("expired")
  })

  test("nothing on a server to which a dump brought it", async () => {
    const id = await request(alice, TOKENS)
    await database.query("update vault.requests set written_by = '9000000000000' where id = $1", [id])
    expect((await release(alice, id)).status).toBe("uncommitted")
    expect(await alice.run("select state from vault.status($1)", [id])).toEqual([{ state: "approved" }])
    expect(await collect(alice, id)).toEqual([])
  })

  test("nothing when its transaction did not commit, whatever its row says", async () => {
    const id = await request(alice, TOKENS)
    await bob.run("begin")
    const [undone] = await bob.run<{ xid: string }>("select pg_current_xact_id()::text as xid")
    await bob.run("rollback")
    await database.query("update vault.requests set written_by = $2::text::xid8 where id = $1", [
      id,
      undone?.xid,
    ])
    expect((await release(alice, id)).status).toBe("uncommitted")
  })

  test("a minute after its release", async () => {
    const id = await request(alice, TOKENS)
    await release(alice, id)
    await database.query(
      "update vault.requests set released_at = released_at - interval '61 seconds' where id = $1",
      [id],
    )
    expect(await collect(alice, id)).toEqual([])
    expect(await lastEntry()).toMatchObject({ outcome: "refused", why: "too-late" })
  })
})

describe("approvals", () => {
  const approve = async (by: Session, id: string) =>
    (await by.run<{ status: string }>("select vault.approve($1) as status", [id]))[0]?.status
  const deny = async (by: Session, id: string) =>
    (await by.run<{ status: string }>("select vault.deny($1) as status", [id]))[0]?.status

  test("are by others, each once, and as many as the policy says", async () => {
    await policy(2)
    const id = await request(mallory, TOKENS)
    expect((await release(mallory, id)).status).toBe("waiting")
    expect(await approve(mallory, id)).toBe("own")
    expect(await approve(bob, id)).toBe("approved")
    expect(await approve(bob, id)).toBe("already-approved")
    expect((await release(mallory, id)).status).toBe("waiting")
    expect(await approve(carol, id)).toBe("approved")
    expect(await release(mallory, id)).toEqual({ status: "released", originals: 3 })
    expect(await approve(carol, id)).toBe("already-released")
    const log = (await auditLog(database)).filter(({ requestId }) => requestId === id)
    expect(log.map(({ actor, action, outcome, why }) => [actor, action, why ?? outcome])).toEqual([
      [mallory.user, "request", "done"],
      [mallory.user, "release", "waiting"],
      [mallory.user, "approve", "own"],
      [bob.user, "approve", "done"],
      [bob.user, "approve", "already-approved"],
      [mallory.user, "release", "waiting"],
      [carol.user, "approve", "done"],
      [mallory.user, "release", "done"],
      [carol.user, "approve", "already-released"],
    ])
  })

  test("of the requester do not count, however they came there", async () => {
    await policy(1)
    const id = await request(mallory, TOKENS)
    await database.query("insert into vault.approvals values ($1, $2, now(), pg_current_xact_id())", [
      id,
      mallory.user,
    ])
    expect((await release(mallory, id)).status).toBe("waiting")
  })

  test("count once they are committed", async () => {
    await policy(1)
    const id = await request(alice, TOKENS)
    await bob.run("begin")
    await approve(bob, id)
    // The approval holds the turn, so the release waits for its end.
    const waiting = release(alice, id)
    await bob.run("rollback")
    expect((await waiting).status).toBe("waiting")
  })

  test("count by the stricter of the policies then and now", async () => {
    const id = await request(alice, TOKENS)
    await policy(1)
    expect((await release(alice, id)).status).toBe("waiting")
    const other = await request(alice, TOKENS)
    await policy(0)
    expect((await release(alice, other)).status).toBe("waiting")
  })

  test("cannot be given to what is denied, and a denied request cannot be released", async () => {
    await policy(1)
    const id = await request(alice, TOKENS)
    await approve(bob, id)
    expect(await deny(carol, id)).toBe("denied")
    expect(await deny(carol, id)).toBe("already-denied")
    expect(await approve(carol, id)).toBe("already-denied")
    expect((await release(alice, id)).status).toBe("already-denied")
    expect(await collect(alice, id)).toEqual([])
  })

  test("are given by approvers only, and only approvers see what waits for them", async () => {
    await policy(1)
    const id = await request(alice, TOKENS)
    await expect(alice.run("select vault.approve($1)", [id])).rejects.toThrow("permission denied")
    await expect(alice.run("select * from vault.pending()")).rejects.toThrow("permission denied")
    const pending = await bob.run<{ id: string }>("select id from vault.pending()")
    expect(pending.map((one) => one.id)).toContain(id)
    await approve(bob, id)
    expect((await bob.run("select id from vault.pending()")).map((one) => one["id"])).not.toContain(id)
  })
})

describe("the vault takes no request", () => {
  const token = TOKENS[0] as string
  const status = async (tokens: unknown, subject: unknown, reason: unknown, ticket: unknown = null) =>
    (
      await alice.run("select status from vault.request($1, $2, $3, $4)", [tokens, subject, reason, ticket])
    )[0]?.["status"]

  test.each([
    ["nothing at all", [null, null, REASON], "no-target"],
    ["an empty list", [[], null, REASON], "no-target"],
    ["an empty subject", [[token], "", REASON], "no-target"],
    ["an original for a token", [["203.0.113.9"], null, REASON], "not-a-token"],
    ["SQL for a token", [["' or 1=1 --"], null, REASON], "not-a-token"],
    ["a token with a line after it", [[`${token}\n`], null, REASON], "not-a-token"],
    ["null among the tokens", [[token, null], null, REASON], "not-a-token"],
    ["no reason", [[token], null, null], "no-reason"],
    ["a blank reason", [[token], null, "          "], "no-reason"],
    [
      "a reason of what does not show",
      [[token], null, "\u00a0\u200b\u3000\u2800\u00ad\u2060\ufeff\u3164\t\n".repeat(9)],
      "no-reason",
    ],
    ["a reason of nine characters", [[token], null, "a b c d e f g h i"], "no-reason"],
    ["a reason of a thousand and one", [[token], null, "r".repeat(1001)], "too-long"],
    ["a ticket of two hundred and one", [[token], null, REASON, "t".repeat(201)], "too-long"],
  ])("with %s, and records that it was asked", async (_, [tokens, subject, reason, ticket], why) => {
    const before = (await auditLog(database)).length
    expect(await status(tokens, subject, reason, ticket)).toBe(why)
    const log = await auditLog(database)
    expect(log).toHaveLength(before + 1)
    expect(log.at(-1)).toMatchObject({ action: "request", outcome: "refused", why, actor: alice.user })
  })

  test("for more than 100 tokens, while 100 are fine", async () => {
    const tokens = Array.from({ length: 101 }, (_, n) => deviceToken(`none ${n}`))
    expect(await status(tokens, null, REASON)).toBe("too-many")
    expect(await status([...tokens.slice(1), ...tokens.slice(1)], null, REASON)).toBe("requested")
  })

  test("and what is no token reaches no log: it may be an original", async () => {
    await status(["203.0.113.9"], null, REASON)
    expect(
      await database.query("select 1 from vault.audit a where strpos(a::text, '203.0.113.9') > 0"),
    ).toEqual([])
  })

  test("whose reason hides behind another meaning of the backslash", async () => {
    await alice.run("begin")
    await alice.run("set local standard_conforming_strings = off").catch(() => {})
    expect(await status([token], null, " \t ".repeat(20))).toBe("no-reason")
    expect(await status([`${token}x`], null, REASON)).toBe("not-a-token")
    await alice.run("rollback")
  })
})
