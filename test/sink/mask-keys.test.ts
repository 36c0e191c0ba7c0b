import { expect, test } from "vitest"
import type { PostgresAddress } from "../../src/config/database-address.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { checkMaskKeys, type MaskKeyCheck, unknownMaskKeys } from "../../src/sink/mask-keys.ts"
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

test("a refusal says which key is wrong, and what to do", async () => {
  await using database = await createDatabase()
  await check(database, { k1: "aa", k2: "bb" }, "k2")
  await database.query("update peppermill.mask_keys set retired_at = now() where id = 'k1'")
  const db = await openDatabase(database.address, { poolSize: 1 })
  const refused = (checkValue: string) => {
    const checks = [{ id: "k1", checkValue }]
    return Promise.all(
      [checkMaskKeys, unknownMaskKeys].map((compare) =>
        Promise.resolve(compare(db, checks, "k1")).catch((thrown: unknown) => thrown),
      ),
    )
  }
  for (const error of await refused("other")) {
    expect(error).toMatchObject({
      kind: "config",
      message: expect.stringContaining("under the id k1"),
      hint: expect.stringContaining("masking.keys.k1"),
    })
  }
  for (const error of await refused("aa")) {
    expect(error).toMatchObject({
      kind: "config",
      message: expect.stringContaining("k1 is retired"),
      hint: expect.stringContaining("another key active"),
    })
  }
  await db.destroy()
})

test("looking for unknown keys names those that are, and remembers none", async () => {
  await using database = await createDatabase()
  await check(database, { k1: "aa", k2: "bb" }, "k1")
  const before = await database.query(stored)
  const db = await openDatabase(database.address, { poolSize: 1 })
  const unknown = (...ids: string[]) =>
    unknownMaskKeys(
      db,
      ids.map((id) => ({ id, checkValue: id === "k1" ? "aa" : "bb" })),
      "k1",
    )
  expect(await unknown("k3", "k1", "k4", "k2")).toEqual(["k3", "k4"])
  expect(await unknown("k1", "k2")).toEqual([])
  await db.destroy()
  expect(await database.query(stored)).toEqual(before)
})

test("runs that bring the same keys in another order do not wait for each other in a circle", async () => {
  await using database = await createDatabase()
  const db = await openDatabase(database.address, { poolSize: 8 })
  // With a nap between two keys, whoever comes from the other end would meet in the middle.
  await database.query(`
    create function nap() returns trigger language plpgsql as $$ begin perform pg_sleep(0.2); return new; end $$;
    create trigger nap before insert on peppermill.mask_keys for each row execute function nap()`)
  const keys = ["k1", "k2", "k3"].map((id) => ({ id, checkValue: "aa" }))
  await Promise.all([keys, keys.toReversed()].map((given) => checkMaskKeys(db, given, "k1")))
  await db.destroy()
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
