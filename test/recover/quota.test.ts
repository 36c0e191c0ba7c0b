import { expect, test } from "vitest"
import { createDatabase } from "../database.ts"
import {
  auditLog,
  collect,
  device,
  deviceToken,
  fillVault,
  release,
  request,
  type Session,
  session,
  sessionOf,
} from "./setup.ts"

const QUOTA = 100

test("16 sessions that try 50 times each get exactly the quota between them", async () => {
  await using database = await createDatabase()
  await fillVault(
    database,
    Array.from({ length: 50 }, (_, n) => device(n)),
  )
  await database.query("update vault.policy set rows_per_hour = $1", [QUOTA])
  const { url } = await database.login("peppermill_recoverer")
  const sessions = await Promise.all(Array.from({ length: 16 }, () => sessionOf(url)))
  const tries = async (by: Session, which: number) => {
    const got = { rows: 0, refused: 0 }
    for (let n = 0; n < 50; n++) {
      // Some ask for one, some for three: the quota must not be passed by a little either.
      const size = which % 2 === 0 ? 1 : 3
      const id = await request(
        by,
        Array.from({ length: size }, (_, k) => deviceToken(device((n + k) % 50).value)),
      )
      const { status } = await release(by, id)
      if (status === "quota") got.refused++
      got.rows += (await collect(by, id)).length
    }
    return got
  }
  const results = await Promise.all(sessions.map(tries))
  const sum = (name: "rows" | "refused") => results.reduce((total, one) => total + one[name], 0)
  expect(sum("rows")).toBe(QUOTA)
  expect(sum("refused")).toBeGreaterThan(600)
  const log = await auditLog(database)
  const released = log.filter(({ action, outcome }) => action === "release" && outcome === "done")
  expect(released.reduce((total, { tokens }) => total + tokens, 0)).toBe(QUOTA)
  expect(log.filter(({ why }) => why === "quota")).toHaveLength(sum("refused"))
  for (const one of sessions) await one[Symbol.asyncDispose]()
}, 120_000)

test("a quota is each user's own, comes back after an hour, and no rollback gives it back early", async () => {
  await using database = await createDatabase()
  await fillVault(database, [device(1), device(2), device(3)])
  await database.query("update vault.policy set rows_per_hour = 2")
  await using alice = await session(database, "peppermill_recoverer")
  await using bob = await session(database, "peppermill_recoverer")
  const tokens = [1, 2, 3].map((n) => deviceToken(device(n).value))
  const two = tokens.slice(0, 2)

  expect((await release(alice, await request(alice, tokens))).status).toBe("quota")
  const id = await request(alice, two)
  await release(alice, id)
  await alice.run("begin")
  expect(await collect(alice, id)).toHaveLength(2)
  await alice.run("rollback")
  const later = await request(alice, two)
  expect((await release(alice, later)).status).toBe("quota")
  expect((await release(bob, await request(bob, two))).status).toBe("released")
  await database.query(
    "update vault.requests set released_at = released_at - interval '61 minutes' where id = $1",
    [id],
  )
  expect((await release(alice, later)).status).toBe("released")
})

test("a snapshot from before others released is refused, whatever isolation it is taken in", async () => {
  await using database = await createDatabase()
  await fillVault(database, [device(1)])
  await database.query("update vault.policy set rows_per_hour = 1")
  const { url } = await database.login("peppermill_recoverer")
  await using first = await sessionOf(url)
  await using second = await sessionOf(url)
  const ids = [
    await request(first, [deviceToken(device(1).value)]),
    await request(second, [deviceToken(device(1).value)]),
  ]
  for (const level of ["repeatable read", "serializable"]) {
    await second.run(`begin isolation level ${level}`)
    await second.run("select 1")
    await expect(release(second, ids[1] as string)).rejects.toThrow("read committed")
    await second.run("rollback")
  }
  await second.run("begin")
  await second.run("select now()")
  expect((await release(first, ids[0] as string)).status).toBe("released")
  expect((await release(second, ids[1] as string)).status).toBe("quota")
  await second.run("commit")
})
