import { expect, test } from "vitest"
import { openDatabase } from "../../src/sink/connection.ts"
import { pruneLedger } from "../../src/sink/prune.ts"
import { createDatabase } from "../database.ts"

const fill = (count: number, days: number) => `insert into peppermill.ledger (message_id, committed_at)
  select gen_random_uuid(), now() - interval '${days} days' from generate_series(1, ${count})`

test("pruning forgets what cannot come again and keeps the rest, with a writer's rights", async () => {
  await using database = await createDatabase()
  await database.query(`${fill(25_001, 16)}; ${fill(10, 14)}; ${fill(10, 0)}`)
  const db = await openDatabase((await database.login("peppermill_writer")).address, { poolSize: 1 })
  try {
    expect(await pruneLedger(db)).toBe(25_001)
    expect(await pruneLedger(db)).toBe(0)
    expect(await database.query("select from peppermill.ledger")).toHaveLength(20)
  } finally {
    await db.destroy()
  }
})

test("two that prune at one time share the work", async () => {
  await using database = await createDatabase()
  await database.query(fill(30_000, 16))
  const db = await openDatabase(database.address, { poolSize: 2 })
  try {
    const [one, two] = await Promise.all([pruneLedger(db), pruneLedger(db)])
    expect(one + two).toBe(30_000)
  } finally {
    await db.destroy()
  }
})

test("the database refuses to forget what a queue may still hold, whoever asks", async () => {
  await using database = await createDatabase()
  await database.query(fill(10, 13))
  const db = await openDatabase(database.address, { poolSize: 1 })
  try {
    await expect(pruneLedger(db, 12)).rejects.toMatchObject({ name: "UserError" })
    expect(await database.query("select from peppermill.ledger")).toHaveLength(10)
  } finally {
    await db.destroy()
  }
})
