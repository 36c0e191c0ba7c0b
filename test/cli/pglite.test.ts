import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PGlite } from "@electric-sql/pglite"
import { expect, onTestFinished, test } from "vitest"
import { drainEnv, peppermill } from "../binary.ts"
import { login } from "../shape.ts"
import { startSqsStub } from "../sqs-stub.ts"

test("an embedded database in a directory outlives the process that made it", async () => {
  const home = mkdtempSync(join(tmpdir(), "peppermill-pglite-"))
  onTestFinished(() => rmSync(home, { recursive: true, force: true }))
  const directory = join(home, "data")
  const stub = await startSqsStub({ log: false })
  const env = drainEnv(stub, `pglite:${directory}`)

  const made = await peppermill(["init"], { env })
  expect(made.status, made.stderr).toBe(0)
  for (const people of [["a", "b", "c"], ["d"]]) {
    stub.send(people.map((user_id) => login({ user_id })))
    const drained = await peppermill(["--batch", "--json"], { env })
    expect(drained.status, drained.stderr).toBe(0)
    expect(JSON.parse(drained.stdout)).toMatchObject({ stored: people.length, left: 0 })
  }
  await stub.close()

  const database = await PGlite.create(directory)
  const { rows } = await database.query("select user_id from user_logins order by 1")
  await database.close()
  expect(rows).toEqual([{ user_id: "a" }, { user_id: "b" }, { user_id: "c" }, { user_id: "d" }])
}, 90_000)
