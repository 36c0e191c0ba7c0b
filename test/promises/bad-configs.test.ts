import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Summary } from "../../src/summary.ts"
import { drainEnv, type Ended, MASK_KEY, peppermill } from "../binary.ts"
import { createDatabase, createEmptyDatabase, type TestDatabase } from "../database.ts"
import { startSecretsManagerStub } from "../secrets-manager-stub.ts"
import { login } from "../shape.ts"
import { type SqsStub, type StubOptions, startSqsStub } from "../sqs-stub.ts"
import { catalogueOf } from "./catalogue.ts"

interface Case {
  readonly env?: Readonly<Record<string, string>>
  readonly unset?: readonly string[]
  readonly args?: readonly string[]
  /** SQL that puts the database into its state first. */
  readonly state?: string
  readonly queue?: StubOptions
  /** The secret `database`, which database.url then refers to. */
  readonly secret?: unknown
  readonly file?: string
  /** What standard error says, when the set-up is refused. */
  readonly refused?: RegExp
  /** What standard error says, when it is not. */
  readonly warns?: RegExp
  readonly exit?: number
  /** Texts that must not be repeated. */
  readonly secrets?: readonly string[]
}

const refusedKey = (key: string, why: RegExp): Case => ({
  env: { PEPPERMILL_MASK_KEY: key },
  refused: why,
  secrets: key.length > 5 ? [key] : [],
})
const refusedUrl = (url: string, why: RegExp): Case => ({
  env: { PEPPERMILL_DATABASE_URL: url },
  refused: why,
})

/** The catalogue's set-ups in our settings' words. A vault key has no match: a writer holds public keys only. */
const CASES: Readonly<Record<string, Case>> = {
  "hmac-key-empty": { env: { PEPPERMILL_MASK_KEY: "" }, refused: /masking\.keys\.k1: the key is empty/ },
  "hmac-key-short": refusedKey("0101010101010101", /k1.*16 hex digits, not 64/),
  "hmac-key-trailing-newline": { env: { PEPPERMILL_MASK_KEY: `${MASK_KEY}\n` } },
  "hmac-key-b64url-vs-b64": refusedKey(
    "-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_-_8=",
    /other than hex digits/,
  ),
  "hmac-key-placeholder": refusedKey("changeme", /other than hex digits/),
  "hmac-key-equals-vault-key": {
    env: { PEPPERMILL_MASKING_KEYS: "k1=env:PEPPERMILL_MASK_KEY,k2=env:PEPPERMILL_MASK_KEY" },
    refused: /k2.*the same key as k1/,
    secrets: [MASK_KEY],
  },
  "vault-key-16-bytes": {
    env: { PEPPERMILL_VAULT_RECIPIENTS: "age144444444444444444444444444444444" },
    refused: /recipient/,
  },
  "vault-on-role-without-insert": {
    env: { PEPPERMILL_VAULT_RECIPIENTS: "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj" },
    state: "revoke insert on vault.originals from peppermill_writer",
    refused: /vault\.originals/,
  },
  "db-url-password-special": {},
  "db-url-ssl-yes": refusedUrl("postgres://u:p@127.0.0.1:5432/db?ssl=yes", /ssl/),
  "db-url-no-tls-remote": refusedUrl("postgres://u:p@db.example.com/db", /db\.example\.com|database/),
  "db-url-sslmode-disable-remote": refusedUrl(
    "postgres://u:p@db.example.com/db?sslmode=disable",
    /sslmode=disable/,
  ),
  "db-url-sslmode-no-verify": refusedUrl("postgres://u:p@db.example.com/db?sslmode=no-verify", /sslmode/),
  "db-url-sslmode-twice": refusedUrl(
    "postgres://u:p@127.0.0.1/db?sslmode=verify-full&sslmode=disable",
    /sslmode/,
  ),
  "db-is-not-postgres": refusedUrl("mysql://u:p@127.0.0.1/db", /PEPPERMILL_DATABASE_URL/),
  "db-column-narrower": {
    state: "alter table user_logins alter masked_ip type varchar(32)",
    refused: /masked_ip/,
  },
  "db-column-renamed": {
    state: "alter table user_logins rename masked_ip to hashed_ip",
    refused: /hashed_ip|masked_ip/,
  },
  "db-read-only-replica": {
    state:
      "do $$ begin execute format('alter database %I set default_transaction_read_only = on', current_database()); end $$",
    refused: /read-only/,
  },
  "db-sql-ascii-encoding": { refused: /SQL_ASCII|encoding/ },
  "queue-url-http-remote": {
    env: { PEPPERMILL_QUEUE_URL: "http://evil.example/123456789012/q" },
    refused: /PEPPERMILL_QUEUE_URL/,
  },
  "queue-url-userinfo": {
    env: { PEPPERMILL_QUEUE_URL: "https://user:HUNTER2@sqs.us-east-1.amazonaws.com/1/q" },
    refused: /PEPPERMILL_QUEUE_URL/,
    secrets: ["HUNTER2"],
  },
  "queue-url-missing": { unset: ["PEPPERMILL_QUEUE_URL"], refused: /queue\.url is not set/ },
  "queue-visibility-0": { queue: { attributes: { VisibilityTimeout: "0" } } },
  "queue-maxreceive-1": {
    queue: {
      attributes: {
        RedrivePolicy: JSON.stringify({
          maxReceiveCount: 1,
          deadLetterTargetArn: "arn:aws:sqs:us-east-1:000000000000:dead",
        }),
      },
    },
    warns: /maxReceiveCount is 1/,
  },
  "batch-size-0": { args: ["--set", "batch.rows=0"], refused: /batch\.rows/ },
  "batch-size-65536-params": { args: ["--set", "batch.rows=10000"] },
  "visibility-shorter-than-commit": {
    args: ["--set", "queue.visibilitySeconds=1"],
    state: `create function slow() returns trigger language plpgsql as 'begin perform pg_sleep(3); return null; end';
      create constraint trigger slow after insert on peppermill.ledger deferrable initially deferred
        for each row when (new.message_id is not null) execute function slow()`,
  },
  "config-file-yaml-bomb": { file: "a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]\n", refused: /alias|anchor/ },
  "config-file-unknown-key": { file: "bach_size: 10\n", refused: /bach_size/ },
  "secret-json-missing-field": {
    secret: { username: "canary-user", host: "canary-host" },
    refused: /password/,
    secrets: ["canary-user", "canary-host"],
  },
  "secret-binary-only": { secret: { SecretBinary: "AAAA" }, refused: /binary/i },
  "secret-port-string": {},
}

let stub: SqsStub
beforeAll(async () => {
  stub = await startSqsStub()
})
afterAll(() => stub.close())

async function run(name: string, change: Case, database: TestDatabase, queue: SqsStub): Promise<Ended> {
  const folder = await mkdtemp(join(tmpdir(), "peppermill-"))
  const { url } = await database.login("peppermill_writer")
  const env: Record<string, string> = { ...drainEnv(queue, url), ...change.env }
  for (const unset of change.unset ?? []) delete env[unset]
  if (name === "db-url-password-special") {
    await database.query("create role special login password 'p@ss/w#' in role peppermill_writer")
    env["PEPPERMILL_DATABASE_URL"] = url.replace(/\/\/[^@]+@/, "//special:p%40ss%2Fw%23@")
  }
  if (name === "db-sql-ascii-encoding") {
    await using ascii = await createEmptyDatabase({ encoding: "SQL_ASCII" })
    return await peppermill(["--batch"], { env: { ...env, PEPPERMILL_DATABASE_URL: ascii.url } })
  }
  const { hostname, port, pathname, username, password } = new URL(url)
  const secret =
    name === "secret-port-string"
      ? { username, password, host: hostname, port, dbname: pathname.slice(1) }
      : change.secret
  const secrets = await startSecretsManagerStub(
    secret === undefined
      ? {}
      : { database: isBinary(secret) ? { SecretBinary: secret.SecretBinary } : JSON.stringify(secret) },
  )
  if (secret !== undefined) {
    env["PEPPERMILL_DATABASE_URL"] = "aws-sm:database"
    env["PEPPERMILL_SECRETS_ENDPOINT"] = secrets.endpoint
  }
  if (change.file !== undefined) await writeFile(join(folder, "peppermill.config.yaml"), change.file)
  try {
    return await peppermill(["--batch", "--json", ...(change.args ?? [])], { env, cwd: folder })
  } finally {
    await secrets.close()
    await rm(folder, { recursive: true })
    if (name === "db-url-password-special") await database.query("drop owned by special; drop role special")
  }
}

const isBinary = (secret: unknown): secret is { SecretBinary: string } =>
  typeof secret === "object" && secret !== null && "SecretBinary" in secret

const entries = catalogueOf("config")

describe.skipIf(entries.length === 0)(
  "a set-up of the catalogue (skipped where the shared folder is missing)",
  () => {
    test("every entry is tried here", () => {
      expect(Object.keys(CASES).sort()).toEqual(entries.map(({ name }) => name).sort())
    })

    test.each(Object.entries(CASES))("%s", async (name, change) => {
      await using database = await createDatabase()
      if (change.state !== undefined) await database.query(change.state)
      const queue = change.queue === undefined ? stub : await startSqsStub(change.queue)
      const from = queue.log.length
      queue.send([login()])
      const { status, stdout, stderr } = await run(name, change, database, queue)
      const asked = queue.log.slice(from).map(({ operation }) => operation)
      const said = stdout + stderr
      for (const secret of change.secrets ?? []) expect(said).not.toContain(secret)
      expect(said).not.toMatch(/\n\s+at |Error:/)
      if (change.refused !== undefined) {
        expect(stderr).toMatch(change.refused)
        expect([64, 69, 77, 78], stderr).toContain(status)
        expect(asked).not.toContain("ReceiveMessage")
        expect(asked).not.toContain("DeleteMessageBatch")
        expect(stdout).toBe("")
      } else {
        expect(status, stderr).toBe(0)
        const summary = JSON.parse(stdout) as Summary
        expect(summary.stored).toBeGreaterThanOrEqual(1)
        expect(await database.query("select from user_logins")).toHaveLength(summary.stored)
        if (change.warns !== undefined) expect(stderr).toMatch(change.warns)
      }
      if (queue !== stub) await queue.close()
    })
  },
)
