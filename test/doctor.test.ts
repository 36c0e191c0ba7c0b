import { tmpdir } from "node:os"
import { expect, test } from "vitest"
import { diagnose, type Finding } from "../src/doctor.ts"
import { openSettings } from "../src/open.ts"
import { openDatabase } from "../src/sink/connection.ts"
import { initDatabase } from "../src/sink/init.ts"
import { createEmptyDatabase } from "./database.ts"
import { LOGIN } from "./shape.ts"

test("every problem of a configuration is a finding of its own, on one line", async () => {
  const env = { PEPPERMILL_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/", PEPPERMILL_BATCH_ROWS: "none" }
  const findings: Finding[] = []
  for await (const finding of diagnose(() => openSettings({ cwd: tmpdir(), env }))) findings.push(finding)
  expect(findings.map(({ name, status, message }) => [name, status, message])).toEqual([
    ["configuration", "fail", expect.stringMatching(/^PEPPERMILL_BATCH_ROWS: .+$/)],
    ["configuration", "fail", expect.stringMatching(/^PEPPERMILL_QUEUE_URL: .+$/)],
  ])
  expect(findings.map(({ hint }) => hint)).toEqual([undefined, expect.stringContaining("2 problems")])
})

test("partitions that run out are a finding", async () => {
  await using database = await createEmptyDatabase()
  const superuser = await openDatabase(database.address, { poolSize: 1 })
  await initDatabase(superuser, LOGIN, { partitioned: "week" }).finally(() => superuser.destroy())
  const { url } = await database.login("peppermill_writer")
  const found = async () => {
    const findings: Finding[] = []
    const env = { PEPPERMILL_DATABASE_URL: url, PEPPERMILL_MASK_KEY: "0".repeat(64) }
    for await (const finding of diagnose(() => openSettings({ cwd: tmpdir(), env }))) findings.push(finding)
    return findings.filter(({ name }) => name === "partitions")
  }
  expect(await found()).toEqual([
    { name: "partitions", status: "ok", message: expect.stringMatching(/^one for each week until 20\d\d-/) },
  ])
  await database.query(`do $$ declare part text; begin
    for part in select inhrelid::regclass from pg_inherits
      where inhparent = 'user_logins'::regclass and inhrelid::regclass::text ~ '_\\d\\d$'
        and right(inhrelid::regclass::text, 10) > to_char(now() at time zone 'utc', 'YYYY_MM_DD')
    loop execute 'drop table ' || part; end loop; end $$`)
  expect(await found()).toEqual([
    {
      name: "partitions",
      status: "warn",
      message: expect.stringMatching(/^none from 20\d\d-\d\d-\d\d on/),
      hint: "run peppermill init",
    },
  ])
})
