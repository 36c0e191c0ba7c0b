import { expect, test } from "vitest"
import { openDatabase } from "../../src/sink/connection.ts"
import { storeDataKey } from "../../src/sink/data-keys.ts"
import { createDatabase, createEmptyDatabase } from "../database.ts"

const KEY = {
  id: new Uint8Array(16).fill(9),
  recipients: ["age1one", "age1two"],
  wrapped: Uint8Array.of(1, 0, 0x5c, 0xff),
}

test("a data key is stored once with its recipients, however often, by a writer who may not look", async () => {
  await using database = await createDatabase()
  const db = await openDatabase((await database.login("peppermill_writer")).address, { poolSize: 1 })
  try {
    await storeDataKey(db, KEY, 0)
    await storeDataKey(db, { ...KEY, recipients: [], wrapped: Uint8Array.of() }, 0)
    expect(await database.query("select id, recipients, wrapped from vault.data_keys")).toEqual([
      { id: Buffer.from(KEY.id), recipients: KEY.recipients, wrapped: Buffer.from(KEY.wrapped) },
    ])
  } finally {
    await db.destroy()
  }
})

test("a data key that cannot be stored stops the run, with words that are safe to show", async () => {
  await using database = await createEmptyDatabase()
  const tries = [
    [database.address, "config", "42P01"],
    [{ ...database.address, port: 1 }, "unavailable", "ECONNREFUSED"],
  ] as const
  for (const [address, kind, says] of tries) {
    const db = await openDatabase(address, { poolSize: 1 })
    const error = await storeDataKey(db, KEY, 0.2).catch((thrown: unknown) => thrown)
    await db.destroy()
    expect(error).toMatchObject({ name: "UserError", kind, message: expect.stringContaining(says) })
  }
})
