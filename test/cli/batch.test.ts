import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import type { Summary } from "../../src/summary.ts"
import { drainEnv, MASK_KEY, peppermill } from "../binary.ts"
import { createDatabase } from "../database.ts"
import { createQueue } from "../queue.ts"
import { login } from "../shape.ts"
import { startSqsStub } from "../sqs-stub.ts"

const summaryOf = (stdout: string) => JSON.parse(stdout) as Summary

const addsUp = ({ received, stored, duplicates, quarantined, left }: Summary) =>
  expect(stored + duplicates + quarantined + left).toBe(received)

/** Logins of which every masked value can be recognised wherever it turns up; one in twenty is malformed. */
function tellTale(count: number) {
  const bodies = Array.from({ length: count }, (_, n) => {
    const ip = `10.${77 + (n % 40)}.${(n >> 8) & 255}.${n & 255}`
    const device_id = `canary-device-${n}`
    if (n % 20 === 7) return login({ user_id: `u-${n}`, ip: `${ip}.9`, device_id })
    return login({ user_id: `u-${n % 1000}`, ip, device_id })
  })
  return { bodies, malformed: bodies.filter((_, n) => n % 20 === 7).length }
}

describe("peppermill --batch", () => {
  test("drains ten thousand messages, one in twenty malformed, and leaks none of them", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false })
    const { bodies, malformed } = tellTale(10_000)
    stub.send(bodies)
    const { status, stdout, stderr } = await peppermill(["--batch", "--json"], {
      env: drainEnv(stub, database.url),
    })
    expect(status, stderr).toBe(65)
    const summary = summaryOf(stdout)
    expect(summary).toMatchObject({
      schema: 1,
      received: 10_000,
      stored: 10_000 - malformed,
      left: malformed,
      outcome: "empty",
      rejections: { "not-an-ip": malformed },
    })
    addsUp(summary)
    expect(stub.queue.counts()).toEqual({ visible: malformed, inFlight: 0 })
    await stub.close()

    const [{ count } = { count: 0 }] = await database.query("select count(*)::int as count from user_logins")
    expect(count).toBe(10_000 - malformed)
    const everything = await wholeDatabase(database)
    expect(everything).toContain("u-999")
    for (const text of [everything, stdout, stderr]) {
      expect(text).not.toContain("canary-device")
      expect(text).not.toMatch(/10\.(7[7-9]|[89]\d|1[01]\d)\.\d+\.\d/)
      expect(text).not.toContain(MASK_KEY)
    }
  }, 90_000)

  test("run three times over, and with every message delivered twice, stores each row once", async () => {
    await using database = await createDatabase()
    const { bodies } = tellTale(300)
    const stored: number[] = []
    const stub = await startSqsStub({ doubled: 1, log: false })
    const good = bodies.filter((_, n) => n % 20 !== 7)
    stub.send(good)
    const summary = summaryOf(
      (await peppermill(["--batch", "--json"], { env: drainEnv(stub, database.url) })).stdout,
    )
    addsUp(summary)
    expect(summary.stored).toBe(good.length)
    expect(summary.duplicates).toBeGreaterThanOrEqual(good.length / 2)
    expect(stub.queue.counts()).toEqual({ visible: 0, inFlight: 0 })
    await stub.close()

    // The same messages, ids and dates, as a queue that forgot its deletes would give them.
    const messages = good.map((body, n) => ({
      MessageId: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
      Body: body,
      Attributes: { SentTimestamp: "1790000000000", ApproximateReceiveCount: "2" },
    }))
    for (let run = 0; run < 3; run++) {
      let next = 0
      const again = await startSqsStub({
        log: false,
        script: async ({ operation }) => {
          if (operation === "GetQueueAttributes") return undefined
          if (operation !== "ReceiveMessage") return undefined
          const some = messages.slice(next, next + 10)
          next += 10
          if (some.length === 0) await sleep(200)
          return {
            json: { Messages: some.map((one, n) => ({ ...one, ReceiptHandle: `r#${run}-${next}-${n}` })) },
          }
        },
      })
      const ended = await peppermill(["--batch", "--json"], { env: drainEnv(again, database.url) })
      expect(ended.status, ended.stderr).toBe(0)
      stored.push(summaryOf(ended.stdout).stored)
      await again.close()
    }
    expect(stored).toEqual([good.length, 0, 0])
    const dates = await database.query("select distinct create_date::text as day from user_logins order by 1")
    expect(dates.map(({ day }) => day)).toContain("2026-09-21")
    expect(dates).toHaveLength(2)
  }, 90_000)

  test("two processes on one queue and one database store each row once", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false, visibleThoughHeld: 0.05 })
    const bodies = Array.from({ length: 4_000 }, (_, n) => login({ user_id: `u-${n}` }))
    stub.send(bodies)
    const env = drainEnv(stub, database.url)
    const both = await Promise.all([1, 2].map(() => peppermill(["--batch", "--json"], { env })))
    for (const { status, stderr } of both) expect(status, stderr).toBe(0)
    const summaries = both.map(({ stdout }) => summaryOf(stdout))
    summaries.forEach(addsUp)
    expect(summaries.reduce((sum, { stored }) => sum + stored, 0)).toBe(4_000)
    expect(Math.min(...summaries.map(({ stored }) => stored)), "both did some of the work").toBeGreaterThan(0)
    const rows = await database.query(
      "select count(*)::int as rows, count(distinct user_id)::int as users from user_logins",
    )
    expect(rows).toEqual([{ rows: 4_000, users: 4_000 }])
    await stub.close()
  }, 90_000)

  test("of nothing ends well, by the empty rule", async () => {
    await using database = await createDatabase()
    const queue = await createQueue()
    const { status, stdout } = await peppermill(["--batch"], { env: drainEnv(queue, database.url) })
    expect(status).toBe(0)
    expect(stdout).toContain("the queue is empty")
    await queue.close()
  })

  test("stops at a signal, with what is in hand committed and deleted", async () => {
    await using database = await createDatabase()
    for (const [signal, status] of [
      ["SIGTERM", 143],
      ["SIGINT", 130],
      ["SIGHUP", 129],
    ] as const) {
      const stub = await startSqsStub({ log: false })
      const producer = setInterval(() => stub.send([login()]), 5)
      const ended = await peppermill(["--batch", "--follow", "--json"], {
        env: drainEnv(stub, database.url),
        onStart: (child) => child.stderr?.once("data", () => setTimeout(() => child.kill(signal), 500)),
      })
      clearInterval(producer)
      expect(ended.status, ended.stderr).toBe(status)
      const summary = summaryOf(ended.stdout)
      addsUp(summary)
      expect(summary).toMatchObject({ outcome: "stopped", left: 0 })
      expect(summary.stored).toBeGreaterThan(0)
      expect(stub.queue.counts().inFlight).toBe(0)
      await stub.close()
    }
  })

  test("stops at a bound with its own status", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false })
    stub.send(Array.from({ length: 50 }, () => login()))
    const env = drainEnv(stub, database.url)
    const { status, stdout } = await peppermill(["--batch", "--json", "--max-messages", "20"], { env })
    expect(status).toBe(75)
    expect(summaryOf(stdout)).toMatchObject({ received: 20, stored: 20, outcome: "bounded" })
    expect(stub.queue.counts()).toEqual({ visible: 30, inFlight: 0 })
    await stub.close()
  })

  test("goes on when nobody reads its words", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false })
    stub.send(Array.from({ length: 50 }, () => login()))
    const { status } = await peppermill(["--batch"], {
      env: drainEnv(stub, database.url),
      onStart(child) {
        child.stdout?.destroy()
        child.stderr?.destroy()
      },
    })
    expect(status).toBe(0)
    expect(stub.queue.counts()).toEqual({ visible: 0, inFlight: 0 })
    await stub.close()
  })
})

test("peppermill --dry-run shows what would be written and puts everything back", async () => {
  await using database = await createDatabase()
  const stub = await startSqsStub()
  stub.send([login({ ip: "198.51.100.7" }), "{not json"])
  const { status, stdout } = await peppermill(["--dry-run", "--json"], { env: drainEnv(stub, database.url) })
  expect(status).toBe(0)
  const lines = stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line))
  expect(lines).toEqual([
    expect.objectContaining({
      schema: 1,
      row: expect.objectContaining({ user_id: "u-1", masked_ip: expect.stringMatching(/^k1:[0-9a-f]{64}$/) }),
    }),
    expect.objectContaining({ rejection: { reason: "not-json", field: "$" } }),
  ])
  expect(stdout).not.toContain("198.51.100.7")
  expect(stub.queue.counts()).toEqual({ visible: 2, inFlight: 0 })
  expect(stub.log.some(({ operation }) => operation === "DeleteMessageBatch")).toBe(false)
  expect(await database.query("select from user_logins")).toEqual([])
  await stub.close()
})

/** Every row of every table of ours, as text. */
async function wholeDatabase(database: {
  query(text: string): Promise<Record<string, unknown>[]>
}): Promise<string> {
  const tables = await database.query(
    "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname in ('public', 'peppermill', 'vault')",
  )
  let text = ""
  for (const { name } of tables) {
    const rows = await database.query(`select t::text as line from ${String(name)} t`)
    text += rows.map(({ line }) => line).join("\n")
  }
  return text
}
