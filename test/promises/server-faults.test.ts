import { setTimeout as sleep } from "node:timers/promises"
import pg from "pg"
import { expect, test } from "vitest"
import { createDatabase } from "../database.ts"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { loginMessage } from "./wire/messages.ts"
import { startOwnServer } from "./wire/own-server.ts"
import { drainUntilEmpty, openSite, type Site, type SiteOptions, summaryOf } from "./wire/site.ts"
import { deletedTooEarly } from "./wire/wire-log.ts"
import type { Plan } from "./wire/wire-proxy.ts"

/** Do something to the server, `times` over, each time that so many more chunks have crossed. */
function meanwhile(times: number, everyChunks: number, act: () => Promise<unknown>) {
  let [begun, lastN] = [0, 0]
  let acting: Promise<unknown> | null = null
  const plan: Plan = ({ n }) => {
    if (acting === null && begun < times && n - lastN >= everyChunks) {
      begun++
      acting = act().finally(() => {
        lastN = n
        acting = null
      })
    }
    return "pass"
  }
  return { plan, isOver: () => begun === times && acting === null }
}

/** A site whose queue gives little while there is something to come. */
function openSlowSite(options: SiteOptions, isOver: () => boolean): Promise<Site> {
  return openSite({
    ...options,
    async script({ operation }) {
      if (operation === "ReceiveMessage" && !isOver()) await sleep(60)
      return undefined
    },
  })
}

async function expectWhole(site: Site): Promise<void> {
  expect(site.queue.countNow()).toEqual({ visible: 0, inFlight: 0 })
  expect(await site.check()).toEqual(NO_DIFFERENCES)
  expect(deletedTooEarly(site.log)).toEqual([])
}

const RESTARTS = LONG ? 10 : 2

test(`PostgreSQL restarted in immediate mode, ${RESTARTS} times in one drain: nothing lost or doubled`, async () => {
  const seed = seedOf()
  await using server = await startOwnServer()
  const fault = meanwhile(RESTARTS, 150, () => server.restartImmediately())
  await using site = await openSlowSite({ seed, database: server.database }, fault.isOver)
  site.send(RESTARTS * 1_000)
  const ended = await site.worker().run(() => fault.plan)
  expect(ended.status, ended.stderr).toBe(0)
  expect(fault.isOver()).toBe(true)
  expect(summaryOf(ended).retried).toBeGreaterThan(0)
  await expectWhole(site)
  report("P13", `${RESTARTS} immediate restarts of PostgreSQL in one drain: 0 lost, 0 duplicated`, seed)
}, 300_000)

const TERMINATIONS = LONG ? 50 : 8

test(`all connections terminated, ${TERMINATIONS} times in one drain: nothing lost or doubled`, async () => {
  const seed = seedOf()
  await using database = await createDatabase()
  const fault = meanwhile(TERMINATIONS, 60, () =>
    database.query(`select pg_terminate_backend(pid) from pg_stat_activity
      where datname = current_database() and pid <> pg_backend_pid()`),
  )
  await using site = await openSlowSite({ seed, database }, fault.isOver)
  site.send(TERMINATIONS * 400)
  const ended = await site.worker().run(() => fault.plan)
  expect(ended.status, ended.stderr).toBe(0)
  expect(fault.isOver()).toBe(true)
  await expectWhole(site)
  report("P13", `${TERMINATIONS} times all connections terminated in one drain: 0 lost, 0 duplicated`, seed)
}, 300_000)

test("the disk of PostgreSQL fills up in mid-drain: the run stops, and the next one goes on", async () => {
  const seed = seedOf()
  await using server = await startOwnServer({ diskMb: 1 })
  const { smallDisk, database } = server
  // Where no disk may be mounted, a trigger says what a full one would.
  await database.query(
    smallDisk === null ? FULL : `alter table user_logins set tablespace ${smallDisk.tablespace}`,
  )
  await using site = await openSite({ seed, database, set: { QUEUE_VISIBILITY_SECONDS: "30" } })
  site.send(6_000)
  const worker = site.worker()
  const ended = await worker.run()
  expect(ended.status, ended.stderr).toBe(69)
  expect(ended.stderr).toContain("SQLSTATE 53100")
  expect(deletedTooEarly(site.log)).toEqual([])
  await (smallDisk === null ? database.query("drop trigger full_disk on user_logins") : smallDisk.grow())
  await drainUntilEmpty(worker)
  await expectWhole(site)
  const how = smallDisk === null ? "53100 raised by a trigger: no right to mount" : "a tmpfs of 1 MB"
  report("P13", `full disk (${how}): stopped, no delete before its COMMIT, 0 lost after there was room`, seed)
}, 300_000)

const FULL = `
  create function full_disk() returns trigger language plpgsql security definer as $$
  begin
    if (select count(*) from user_logins) > 3000 then
      raise exception using errcode = '53100';
    end if;
    return new;
  end $$;
  create trigger full_disk before insert on user_logins for each row execute function full_disk()`

test("the database becomes read-only in mid-drain, as after a failover: the run stops, and the next one goes on", async () => {
  const seed = seedOf()
  await using server = await startOwnServer()
  const setReadOnly = async (value: "on" | "off") => {
    await server.database.query(`alter system set default_transaction_read_only = ${value}`)
    await server.database.query("select pg_reload_conf()")
  }
  const fault = meanwhile(1, 150, () => setReadOnly("on"))
  await using site = await openSlowSite(
    { seed, database: server.database, set: { QUEUE_VISIBILITY_SECONDS: "30" } },
    fault.isOver,
  )
  site.send(3_000)
  const worker = site.worker()
  const ended = await worker.run(() => fault.plan)
  expect(ended.status, ended.stderr).toBe(78)
  expect(ended.stderr).toContain("SQLSTATE 25006")
  expect(deletedTooEarly(site.log)).toEqual([])
  await setReadOnly("off")
  await drainUntilEmpty(worker)
  await expectWhole(site)
  report("P13", "read-only in mid-drain: stopped, no delete before its COMMIT, 0 lost afterwards", seed)
}, 300_000)

/** Hold one message's place in the ledger as another drain would, and wait until ours wants it. */
async function holdPlace(site: Site, id: string) {
  const other = new pg.Client({ connectionString: site.database.url })
  await other.connect()
  await other.query("set deadlock_timeout = '60s'")
  await other.query("begin")
  await other.query("insert into peppermill.ledger (message_id) values ($1)", [id])
  return {
    other,
    async wanted() {
      const waiting =
        "select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'"
      while ((await site.database.query(waiting)).length === 0) await sleep(20)
    },
  }
}

test("a real deadlock is tried again, and no harm done", async () => {
  const seed = seedOf()
  await using site = await openSite({
    seed,
    messageOf: loginMessage,
    set: { QUEUE_VISIBILITY_SECONDS: "30" },
  })
  // Whoever has waited so long looks for a deadlock, and is its victim: ours, which began to wait first.
  await site.database.query(
    "do $$ begin execute format('alter database %I set deadlock_timeout = %L', current_database(), '3s'); end $$",
  )
  const ids = [...site.send(10)].sort()
  const { other, wanted } = await holdPlace(site, ids.at(-1) as string)
  try {
    const running = site.worker().run()
    await wanted()
    await other.query("insert into peppermill.ledger (message_id) values ($1)", [ids[0]])
    await other.query("rollback")
    const ended = await running
    expect(ended.status, ended.stderr).toBe(0)
    expect(ended.stderr).toContain("40P01")
    await expectWhole(site)
    report("P13", "a real deadlock (40P01): tried again, 0 lost, 0 duplicated", seed)
  } finally {
    await other.end()
  }
}, 60_000)

test("a real serialization failure is tried again, and a message that another drain took is not stored twice", async () => {
  const seed = seedOf()
  await using site = await openSite({
    seed,
    messageOf: loginMessage,
    set: { QUEUE_VISIBILITY_SECONDS: "30" },
  })
  await site.database.query(
    "do $$ begin execute format('alter database %I set default_transaction_isolation = %L', current_database(), 'serializable'); end $$",
  )
  const [first = ""] = site.send(10)
  const { other, wanted } = await holdPlace(site, first)
  try {
    const running = site.worker().run()
    await wanted()
    await other.query("commit")
    const ended = await running
    expect(ended.status, ended.stderr).toBe(0)
    expect(ended.stderr).toContain("40001")
    expect(summaryOf(ended)).toMatchObject({ stored: 9, duplicates: 1 })
    // The other one has claimed it in the ledger, and stored nothing.
    expect(await site.check()).toEqual({ ...NO_DIFFERENCES, lost: 1, orphan: 1 })
    report("P13", "a real serialization failure (40001): tried again, 0 duplicated", seed)
  } finally {
    await other.end()
  }
}, 60_000)
