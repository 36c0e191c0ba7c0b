import { expect, test } from "vitest"
import { verifyAudit } from "../../src/audit/database.ts"
import { storePolicy } from "../../src/recover/policy.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { initDatabase } from "../../src/sink/init.ts"
import { createEmptyDatabase } from "../database.ts"
import { LOGIN } from "../shape.ts"
import { collect, device, deviceToken, fillVault, release, request, session } from "./setup.ts"

test("the vault works for an owner who is no superuser, as in a managed PostgreSQL", async () => {
  await using database = await createEmptyDatabase()
  const { address, url } = await database.login()
  const { username } = new URL(url)
  await database.query(`alter role ${username} createrole`)
  await database.query(`alter database ${address.database} owner to ${username}`)
  const owner = await openDatabase(address, { poolSize: 1 })
  await initDatabase(owner, LOGIN, { partitioned: null })
  await storePolicy(owner, { approvals: 1, ttlMinutes: 15, rowsPerHour: 10 })

  await fillVault(database, [device(1)])
  await using alice = await session(database, "peppermill_recoverer")
  await using bob = await session(database, "peppermill_approver")
  const id = await request(alice, [deviceToken(device(1).value)])
  expect((await release(alice, id)).status).toBe("waiting")
  expect(await bob.run("select vault.approve($1) as status", [id])).toEqual([{ status: "approved" }])
  expect(await release(alice, id)).toEqual({ status: "released", originals: 1 })
  expect(await collect(alice, id)).toHaveLength(1)
  expect(await verifyAudit(owner)).toMatchObject({ ok: true })
  await owner.destroy()
})
