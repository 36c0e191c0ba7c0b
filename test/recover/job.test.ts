import { sql } from "kysely"
import { expect, test } from "vitest"
import { beginJob, inJob } from "../../src/recover/job.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { createDatabase } from "../database.ts"
import { REASON } from "./setup.ts"

test("a part of a job counts only if the job's day has not ended before the part is done", async () => {
  await using database = await createDatabase()
  const { address } = await database.login("peppermill_eraser")
  const eraser = await openDatabase(address, { poolSize: 1 })
  try {
    const job = await beginJob(eraser, "erase-scan", sql`vault.begin_scan('u-1', ${REASON}, null)`)
    const readPage = () =>
      inJob(eraser, job, (tx) => sql`select * from vault.scan_page(${job.id}, null, 10)`.execute(tx))
    expect(await readPage()).toMatchObject({ rows: [] })
    const overnight = inJob(eraser, job, async (tx) => {
      await database.query("update vault.jobs set started_at = started_at - interval '1 day'")
      return sql`select * from vault.scan_page(${job.id}, null, 10)`.execute(tx)
    })
    await expect(overnight).rejects.toMatchObject({
      kind: "permission",
      hint: expect.stringContaining("run it again"),
    })
    await expect(readPage()).rejects.toMatchObject({ message: expect.stringContaining("expired") })
  } finally {
    await eraser.destroy()
  }
})
