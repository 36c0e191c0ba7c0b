import { describe, expect, onTestFinished, test, vi } from "vitest"
import { createSecrets } from "../../src/config/secrets.ts"
import { parseMaskKeys } from "../../src/mask/mask-keys.ts"
import { startSecretsManagerStub } from "../secrets-manager-stub.ts"
import { load, loadText, refusal, wordsOf } from "./scenario.ts"

type Env = Record<string, string>

/** What every command does before it works: configuration, mask keys, database address. */
async function prepare(env: Env) {
  const { config } = await load({ env })
  const secrets = createSecrets(config, env)
  const keys = parseMaskKeys(await secrets.maskKeys(), config.masking.activeKey)
  return { config, keys, database: await secrets.database() }
}

const GOOD: Env = {
  PEPPERMILL_MASK_KEY: "0123456789abcdef".repeat(4),
  PEPPERMILL_DATABASE_URL: "postgres://u:p@127.0.0.1:5432/db",
  PEPPERMILL_QUEUE_URL: "https://sqs.us-east-1.amazonaws.com/1/q",
}

test("the environment that the ones below spoil is a good one", async () => {
  const { keys, database, config } = await prepare(GOOD)
  expect(keys.active.bytes).toHaveLength(32)
  expect(database).toMatchObject({ kind: "postgres", password: "p" })
  expect(config.queue.url).toBe(GOOD["PEPPERMILL_QUEUE_URL"])
})

describe("refused before any work, and nothing of a value repeated", () => {
  const database = (url: string): Env => ({ PEPPERMILL_DATABASE_URL: url })
  const queue = (url: string): Env => ({ PEPPERMILL_QUEUE_URL: url })
  const key = (text: string): Env => ({ PEPPERMILL_MASK_KEY: text })

  test.each<[name: string, env: Env, setting: RegExp]>([
    ["an empty mask key", key(""), /masking\.keys\.k1/],
    ["a mask key of 8 bytes", key("0101010101010101"), /masking\.keys\.k1/],
    ["a mask key of one repeated byte", key("11".repeat(32)), /masking\.keys\.k1/],
    ["a mask key in base64", key("-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8="), /masking\.keys\.k1/],
    ["a mask key that holds a place", key("changeme"), /masking\.keys\.k1/],
    ["a mask key with a blank before it", key(` ${"0f1e".repeat(16)}`), /masking\.keys\.k1/],
    [
      "one mask key under two names",
      { PEPPERMILL_MASKING_KEYS: "k1=env:PEPPERMILL_MASK_KEY,k2=env:PEPPERMILL_MASK_KEY" },
      /masking\.keys\.k2/,
    ],
    [
      "a database that asks for ssl=yes",
      database("postgres://u:HUNTER2@127.0.0.1:5432/db?ssl=yes"),
      /database\.url|DATABASE_URL/,
    ],
    [
      "a remote database without TLS",
      database("postgres://u:HUNTER2@db.example.com/db?sslmode=disable"),
      /DATABASE_URL/,
    ],
    [
      "a remote database without verification",
      database("postgres://u:HUNTER2@db.example.com/db?sslmode=no-verify"),
      /DATABASE_URL/,
    ],
    [
      "two sslmodes",
      database("postgres://u:HUNTER2@127.0.0.1/db?sslmode=verify-full&sslmode=disable"),
      /DATABASE_URL/,
    ],
    ["another kind of database", database("mysql://u:HUNTER2@127.0.0.1/db"), /DATABASE_URL/],
    ["a port out of range", database("postgres://u:HUNTER2@127.0.0.1:70000/db"), /DATABASE_URL/],
    ["a queue over plain http elsewhere", queue("http://evil.example/123456789012/q"), /QUEUE_URL/],
    ["a queue with a password", queue("https://user:HUNTER2@sqs.us-east-1.amazonaws.com/1/q"), /QUEUE_URL/],
    ["a queue at a stranger's host", queue("https://evil.example/123456789012/q"), /QUEUE_URL/],
    ["batches of no rows", { PEPPERMILL_BATCH_ROWS: "0" }, /BATCH_ROWS/],
    ["batches of fewer than no rows", { PEPPERMILL_BATCH_ROWS: "-5" }, /BATCH_ROWS/],
    ["batches beyond all measure", { PEPPERMILL_BATCH_ROWS: "99999999" }, /BATCH_ROWS/],
    ["messages hidden for no time", { PEPPERMILL_QUEUE_VISIBILITY_SECONDS: "0" }, /VISIBILITY_SECONDS/],
    ["a short poll", { PEPPERMILL_QUEUE_WAIT_SECONDS: "0" }, /WAIT_SECONDS/],
    [
      "an identity where a recipient belongs",
      { PEPPERMILL_VAULT_RECIPIENTS: "AGE-SECRET-KEY-1HUNTER2" },
      /RECIPIENTS/,
    ],
    [
      "a stranger as Secrets Manager",
      { AWS_ENDPOINT_URL_SECRETS_MANAGER: "http://evil.example" },
      /AWS_ENDPOINT_URL_SECRETS_MANAGER/,
    ],
    ["a stranger as all of AWS", { AWS_ENDPOINT_URL: "http://evil.example" }, /AWS_ENDPOINT_URL/],
    ["a stranger as SQS", { AWS_ENDPOINT_URL_SQS: "http://evil.example" }, /AWS_ENDPOINT_URL_SQS/],
  ])("%s", async (_, env, setting) => {
    const error = await refusal(prepare({ ...GOOD, ...env }))
    expect(error.kind).toBe("config")
    expect(error.message).toMatch(setting)
    expect(error.message).not.toContain("\n")
    for (const text of [...Object.values(env), "HUNTER2"].filter(
      (text) => text.length > 4 && !text.includes("=env:"),
    )) {
      expect(wordsOf(error)).not.toContain(text)
    }
  })

  test.each([
    ["aliases that double", "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]"],
    ["a key nobody knows", "bach_size: 10"],
  ])("a file with %s", async (_, text) => {
    expect((await refusal(loadText(text, { env: GOOD }))).kind).toBe("config")
  })
})

describe("accepted", () => {
  test("a database password of special characters", async () => {
    const url = "postgres://u:p%40ss%2Fw%23@127.0.0.1:5432/db"
    expect((await prepare({ ...GOOD, PEPPERMILL_DATABASE_URL: url })).database).toMatchObject({
      password: "p@ss/w#",
    })
  })

  test("a remote database without a word of TLS, which then is verified in full", async () => {
    const url = "postgres://u:p@db.example.com/db"
    const env = { ...GOOD, PEPPERMILL_DATABASE_URL: url, PGSSLMODE: "disable", PGHOST: "evil.example" }
    expect((await prepare(env)).database).toMatchObject({
      host: "db.example.com",
      tls: { rejectUnauthorized: true, servername: "db.example.com" },
    })
  })

  test("a mask key with a newline at its end: it is the same key", async () => {
    const { keys } = await prepare({ ...GOOD, PEPPERMILL_MASK_KEY: `${GOOD["PEPPERMILL_MASK_KEY"]}\n` })
    expect(keys.active.bytes).toEqual((await prepare(GOOD)).keys.active.bytes)
  })

  test("a queue that is not set, until a drain asks for it", async () => {
    const { config } = await prepare({ ...GOOD, PEPPERMILL_QUEUE_URL: "" })
    expect(config.queue.url).toBeNull()
  })
})

describe("secrets of AWS", () => {
  async function withSecret(secret: string | { SecretBinary: string }, env: Env = {}) {
    const stub = await startSecretsManagerStub({ db: secret })
    onTestFinished(() => stub.close())
    vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    vi.stubEnv("AWS_SECRET_ACCESS_KEY", "a-secret-of-nobody")
    for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
    onTestFinished(() => void vi.unstubAllEnvs())
    return prepare({
      ...GOOD,
      PEPPERMILL_DATABASE_URL: "aws-sm:db",
      PEPPERMILL_SECRETS_ENDPOINT: stub.endpoint,
    })
  }
  const rds = { username: "u", password: "p", host: "127.0.0.1", port: "5432", dbname: "d" }

  test("a port written as text is a port", async () => {
    expect((await withSecret(JSON.stringify(rds))).database).toMatchObject({ port: 5432, database: "d" })
  })

  test("a field that is missing is named, and no other is shown", async () => {
    const error = await refusal(withSecret('{"username": "HUNTER1", "host": "HUNTER2"}'))
    expect(error.message).toMatch(/has no password/)
    expect(wordsOf(error)).not.toMatch(/HUNTER/)
  })

  test("bytes are not text", async () => {
    expect((await refusal(withSecret({ SecretBinary: "AAAA" }))).message).toMatch(/SecretBinary/)
  })

  test("a proxy that does not answer is not asked", async () => {
    const proxy = "http://127.0.0.1:1"
    const begun = performance.now()
    const { database } = await withSecret(JSON.stringify(rds), { HTTPS_PROXY: proxy, HTTP_PROXY: proxy })
    expect(database).toMatchObject({ host: "127.0.0.1" })
    expect(performance.now() - begun).toBeLessThan(10_000)
  })
})
