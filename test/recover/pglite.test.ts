import { PGlite } from "@electric-sql/pglite"
import { afterAll, beforeAll, expect, test } from "vitest"
import { verifyAudit } from "../../src/audit/database.ts"
import { recoverInOneStep, release } from "../../src/recover/release.ts"
import { requestRecovery, requestStatus } from "../../src/recover/request.ts"
import { type Database, openDatabase } from "../../src/sink/connection.ts"
import { initDatabase } from "../../src/sink/init.ts"
import { LOGIN } from "../shape.ts"
import { REASON, sealed, storing, tokenOf } from "./setup.ts"

let pglite: PGlite
let db: Database

beforeAll(async () => {
  pglite = await PGlite.create()
  db = await openDatabase(
    { kind: "pglite", directory: null },
    { poolSize: 1, openPGlite: async () => pglite },
  )
  await initDatabase(db, LOGIN, { partitioned: null })
}, 120_000)

afterAll(() => db.destroy())

test("the embedded PostgreSQL keeps the same rules", async () => {
  const vault = await sealed([{ subject: "u-1", field: "ip", value: "203.0.113.77" }])
  for (const { text, values } of storing(vault)) await pglite.query(text, values)
  const opening = { table: LOGIN.table, identities: [vault.identity], tokenOf }
  const wanted = { tokens: [], subject: "u-1", reason: REASON, ticket: null }

  const { request, originals } = await recoverInOneStep(db, wanted, opening)
  expect(originals).toMatchObject([{ value: "203.0.113.77", verified: true }])
  expect((await requestStatus(db, request.id)).state).toBe("released")
  await expect(release(db, request.id, opening)).rejects.toThrow("released before")

  const { id } = await requestRecovery(db, wanted)
  await pglite.exec("begin")
  await pglite.query("select * from vault.release($1)", [id])
  expect((await pglite.query("select * from vault.collect($1)", [id])).rows).toEqual([])
  await pglite.exec("rollback")
  expect(await verifyAudit(db)).toMatchObject({ ok: true, size: 4 })
})
