import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { auditCommand } from "../../src/cli/audit-command.ts"
import { recoverCommand } from "../../src/cli/recover-command.ts"
import { runCommand } from "../cli/recording-io.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { fillVault, REASON } from "../recover/setup.ts"
import { readEmf } from "./emf-rules.ts"
import { createTopic } from "./topic.ts"

let database: TestDatabase
let folder: string
let env: Record<string, string>

beforeAll(async () => {
  database = await createDatabase()
  const vault = await fillVault(database, [
    { subject: "canary-subject", field: "ip", value: "198.51.100.7" },
    { subject: "canary-subject", field: "device_id", value: "canary-device" },
  ])
  await database.query("update vault.policy set approvals = 0, rows_per_hour = 1000")
  folder = await mkdtemp(join(tmpdir(), "peppermill-announce-"))
  await writeFile(join(folder, "vault.key"), `${vault.identity}\n`, { mode: 0o600 })
  const { url } = await database.login("peppermill_recoverer", "peppermill_auditor")
  env = { PEPPERMILL_DATABASE_URL: url, PEPPERMILL_OBSERVE_SERVICE: "recovery" }
})

beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test")
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test")
  return () => void vi.unstubAllEnvs()
})

afterAll(async () => {
  await rm(folder, { recursive: true })
  await database.drop()
})

async function recover(more: Record<string, string> = {}) {
  const args = ["--subject", "canary-subject", "--reason", REASON, "--identity", "vault.key", "--stdout"]
  const ended = await runCommand(recoverCommand, args, {
    cwd: folder,
    env: { ...env, ...more },
    mayShow: { stdout: ["address", "device"] },
  })
  expect(ended.error).toBeNull()
  expect(ended.out).toContain("198.51.100.7")
  const [, id] = /under request (\S+)/.exec(ended.err) ?? []
  return { ...ended, id }
}

describe("a recovery", () => {
  test("is announced with its request, who made it and how many, and nothing of what came back", async () => {
    const topic = await createTopic()
    onTestFinished(topic.close)
    const { err, id } = await recover({
      PEPPERMILL_ALERTS_TOPIC_ARN: topic.arn,
      PEPPERMILL_ALERTS_ENDPOINT: topic.endpoint,
      PEPPERMILL_OBSERVE_EMF: "true",
    })
    const actor = new URL(env["PEPPERMILL_DATABASE_URL"] as string).username
    expect(topic.heard()).toMatchObject([
      {
        subject: "recovery: recovery alarm",
        message: { request: id, actor, count: 2, words: `${actor} recovered 2 originals`, queue: null },
      },
    ])
    const line = readEmf(err.split("\n").find((text) => text.startsWith("{")) ?? "")
    expect(line).toMatchObject({ peppermill_recoveries_total: 2, Service: "recovery", request: id, actor })
    expect(JSON.stringify(topic.heard()) + err).not.toMatch(/198\.51|canary|fraud/)
  })

  test("says nothing more where nobody is to hear it", async () => {
    const { err, id } = await recover()
    expect(err).toBe(`peppermill: released 2, on record under request ${id}\n`)
  })

  test("goes on when it cannot be announced, and says so", async () => {
    const { err } = await recover({
      PEPPERMILL_ALERTS_TOPIC_ARN: "arn:aws:sns:us-east-1:000000000000:alerts",
      PEPPERMILL_ALERTS_ENDPOINT: "http://127.0.0.1:1",
    })
    const lines = err.split("\n").filter((text) => text.startsWith("{"))
    expect(lines.map((text) => JSON.parse(text))).toMatchObject([
      { event: "alert", kind: "recovery", count: 2 },
      { event: "not-told", kind: "recovery" },
    ])
  })
})

test("a broken audit log is announced by whoever finds it", async () => {
  await using broken = await createDatabase()
  const { url } = await broken.login("peppermill_recoverer", "peppermill_auditor")
  const ask = ["request", "--subject", "u-1", "--reason", REASON]
  await runCommand(recoverCommand, ask, { cwd: folder, env: { PEPPERMILL_DATABASE_URL: url } })
  await broken.query(
    "set session_replication_role = replica; update vault.audit set reason = 'canary-reason'",
  )
  const topic = await createTopic()
  onTestFinished(topic.close)
  const { error } = await runCommand(auditCommand, ["verify"], {
    cwd: folder,
    env: {
      PEPPERMILL_DATABASE_URL: url,
      PEPPERMILL_ALERTS_TOPIC_ARN: topic.arn,
      PEPPERMILL_ALERTS_ENDPOINT: topic.endpoint,
    },
  })
  expect(error).toMatchObject({ kind: "data" })
  expect(topic.heard()).toMatchObject([
    { subject: "peppermill: audit-broken alarm", message: { words: "the audit log is broken at record 1" } },
  ])
})
