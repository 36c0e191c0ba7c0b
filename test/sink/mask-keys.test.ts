import { expect, test } from "vitest"
import type { PostgresAddress } from "../../src/config/database-address.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { checkMaskKeys, type MaskKeyCheck } from "../../src/sink/mask-keys.ts"
import { createDatabase } from "../database.ts"

async function check(
  { address }: { readonly address: PostgresAddress },
  keys: Record<string, string>,
  active: string,
): Promise<string> {
  const db = await openDatabase(address, { poolSize: 1 })
  const checks: MaskKeyCheck[] = Object.entries(keys).map(([id, checkValue]) => ({ id, checkValue }))
  return await checkMaskKeys(db, checks, active)
    .then(
      () => "fits",
      (error: unknown) => String(error),
    )
    .finally(() => db.destroy())
}

const stored = "select id, check_value from peppermill.mask_keys order by id"

test("the first run remembers its keys, and a later one must bring the same", async () => {
  await using database = await createDatabase()
  const writer = await database.login("peppermill_writer")
  expect(await check(writer, { k1: "aa" }, "k1")).toBe("fits")
  expect(await check(writer, { k1: "aa" }, "k1")).toBe("fits")
  expect(await check(writer, { k1: "bb" }, "k1")).toMatch(/^UserError: a different key under the id k1 /)
  expect(await check(writer, { k1: "aa", k2: "cc" }, "k2")).toBe("fits")
  expect(await database.query(stored)).toEqual([
    { id: "k1", check_value: "aa" },
    { id: "k2", check_value: "cc" },
  ])
})

test("a run that is refused leaves nothing behind, not even the keys that were new", async () => {
  await using database = await createDatabase()
  await check(database, { k2: "aa" }, "k2")
  expect(await check(database, { k1: "x", k2: "other", k3: "y" }, "k3")).toContain("under the id k2")
  expect(await database.query(stored)).toEqual([{ id: "k2", check_value: "aa" }])
})

test("a retired key may be known, but not active", async () => {
  await using database = await createDatabase()
  await check(database, { k1: "aa", k2: "bb" }, "k2")
  await database.query("update peppermill.mask_keys set retired_at = now() where id = 'k1'")
  expect(await check(database, { k1: "aa", k2: "bb" }, "k2")).toBe("fits")
  expect(await check(database, { k1: "aa", k2: "bb" }, "k1")).toMatch(
    /^UserError: the mask key k1 is retired/,
  )
})

test("of first runs with different keys at one time, those of one key go on", async () => {
  await using database = await createDatabase()
  const results = await Promise.all(
    Array.from({ length: 8 }, (_, n) => check(database, { k1: n % 2 === 0 ? "aa" : "bb", k2: "cc" }, "k1")),
  )
  const fits = results.map((result, n) => (result === "fits" ? n % 2 : null)).filter((key) => key !== null)
  expect(fits).toHaveLength(4)
  expect(new Set(fits).size).toBe(1)
})
