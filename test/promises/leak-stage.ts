import { randomBytes } from "node:crypto"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import pg from "pg"
import type { PostgresAddress } from "../../src/config/database-address.ts"
import { type Ended, peppermill, type RunOptions } from "../binary.ts"
import type { Caught } from "../canaries.ts"
import { startSecretsManagerStub } from "../secrets-manager-stub.ts"
import { openWire } from "../sink/setup.ts"
import { type StubOptions, startSqsStub } from "../sqs-stub.ts"
import { LOG_EVERYTHING, startPostgres } from "../start-postgres.ts"
import { seenByOthers } from "../tripwire.ts"
import { createIdentity } from "../vault/keys.ts"

const marked = (what: string) => `canary-${what}-${randomBytes(6).toString("hex")}`

/** The values of one run, none of which is like another's. */
export async function makeCanaries() {
  const vault = await createIdentity()
  const stranger = await createIdentity()
  const next = await createIdentity()
  return {
    recipient: vault.recipient,
    nextRecipient: next.recipient,
    values: {
      address: ["198.51.100.213", "2001:db8:ca4a:17::beef"],
      device: [marked("device")],
      maskKey: [randomBytes(32).toString("hex"), randomBytes(32).toString("hex")],
      databasePassword: [marked("password")],
      wrongPassword: [marked("wrong-password")],
      awsSecret: [marked("aws-secret")],
      sessionToken: [marked("session-token")],
      identity: [vault.identity, stranger.identity, next.identity],
      unnamedKey: [marked("unnamed-key")],
      rejectedBody: [marked("rejected")],
      secretJson: [marked("secret-json")],
      person: [marked("person")],
      reason: [marked("reason")],
    },
  }
}

export type Canaries = Awaited<ReturnType<typeof makeCanaries>>["values"]

const ROLES = ["writer", "recoverer", "approver", "auditor", "eraser", "keeper"] as const

/**
 * The whole surroundings of the executable, with an ear everywhere: what it
 * prints, what others may see of its process, the server's log with every
 * parameter, both directions of the wire to PostgreSQL, and what SQS is sent.
 */
export async function openStage(canaries: Canaries, queue: StubOptions = {}) {
  const folder = await mkdtemp(join(tmpdir(), "peppermill-leaks-"))
  const server = await startPostgres({ settings: LOG_EVERYTHING, authMethod: "scram-sha-256" })
  const { hostname, port } = new URL(server.url)
  const wire = await openWire({ host: hostname, port: Number(port) } as PostgresAddress)
  const crossed: string[] = []
  wire.onClient = (chunk) => listen(chunk)
  wire.onServer = (chunk) => listen(chunk)
  function listen(chunk: Buffer | string): "pass" {
    crossed.push(chunk.toString("latin1"))
    return "pass"
  }

  const admin = new pg.Client({ connectionString: server.url })
  await admin.connect()
  // What we do here ourselves is not to be found.
  await admin.query("set log_statement = 'none'; set log_min_duration_statement = -1")
  const [password = ""] = canaries.databasePassword
  await admin.query(`create role leak_owner login superuser password '${password}'`)

  const secretOf = (username: string, word: string) => {
    const address = {
      username,
      password: word,
      host: "127.0.0.1",
      port: wire.address.port,
      dbname: "postgres",
    }
    return JSON.stringify({ ...address, comment: canaries.secretJson[0] })
  }
  const secrets = await startSecretsManagerStub({
    owner: secretOf("leak_owner", password),
    ...Object.fromEntries(ROLES.map((role) => [role, secretOf(`leak_${role}`, password)])),
    wrong: secretOf("leak_writer", canaries.wrongPassword[0] ?? ""),
    broken: `{"password": "${password}", "comment": ${canaries.secretJson[0]}`,
    incomplete: JSON.stringify({ password, comment: canaries.secretJson[0] }),
    keys: JSON.stringify({ one: canaries.maskKey[0], two: canaries.maskKey[1] }),
  })
  const stub = await startSqsStub(queue)
  const caught: Caught[] = []

  const base = {
    AWS_ACCESS_KEY_ID: "AKIATEST",
    AWS_SECRET_ACCESS_KEY: canaries.awsSecret[0] ?? "",
    AWS_SESSION_TOKEN: canaries.sessionToken[0] ?? "",
    PEPPERMILL_QUEUE_URL: stub.url,
    PEPPERMILL_QUEUE_REGION: stub.region,
    PEPPERMILL_QUEUE_WAIT_SECONDS: "1",
    PEPPERMILL_QUEUE_POLLERS: "2",
    PEPPERMILL_SECRETS_ENDPOINT: secrets.endpoint,
    PEPPERMILL_MASKING_KEYS: "k1=aws-sm:keys#one,k2=aws-sm:keys#two",
    PEPPERMILL_OBSERVE_LOG_LEVEL: "debug",
  }

  return {
    folder,
    stub,
    caught,
    admin,
    environment: (role: string, change: Readonly<Record<string, string>> = {}) => ({
      ...base,
      PEPPERMILL_DATABASE_URL: `aws-sm:${role}`,
      ...change,
    }),
    async makeLogins() {
      for (const role of ROLES) {
        await admin.query(`create role leak_${role} login password '${password}' in role peppermill_${role}`)
      }
    },
    /** Run it, and keep everything it lets be seen. */
    async run(role: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> {
      let process = ""
      const ended = await peppermill(args, {
        cwd: folder,
        ...options,
        env: this.environment(role, options.env),
        async onStart(child) {
          const asked = options.onStart?.(child)
          process = seenByOthers(child.pid)
          await asked
        },
      })
      const from = args.join(" ")
      caught.push(
        { channel: "stdout", from, text: ended.stdout },
        { channel: "stderr", from, text: ended.stderr },
        { channel: "process", from, text: process },
      )
      return ended
    },
    /** Keep what has gathered in the places that outlive a command. */
    async gather() {
      caught.push(
        { channel: "server log", from: "PostgreSQL", text: await readFile(server.log, "utf8") },
        { channel: "wire", from: "PostgreSQL", text: crossed.join("") },
        { channel: "requests", from: "SQS", text: JSON.stringify(stub.log) },
      )
      const tables = await admin.query<{ schema: string; name: string }>(
        `select schemaname as schema, tablename as name from pg_tables
         where schemaname not in ('pg_catalog', 'information_schema')`,
      )
      for (const { schema, name } of tables.rows) {
        const { rows } = await admin.query(`select t::text as line from "${schema}"."${name}" t`)
        const text = rows.map(({ line }) => line).join("\n")
        caught.push({ channel: schema === "vault" ? "vault" : "database", from: name, text })
      }
      for (const name of await readdir(folder)) {
        if (name.startsWith("kept-")) {
          caught.push({ channel: "file", from: name, text: await readFile(join(folder, name), "utf8") })
        }
      }
    },
    keep: (name: string, text: string) => writeFile(join(folder, name), text, { mode: 0o600 }),
    async close() {
      await admin.end()
      await Promise.all([wire[Symbol.asyncDispose](), stub.close(), secrets.close()])
      await server.stop()
      await rm(folder, { recursive: true })
    },
  }
}

export type Stage = Awaited<ReturnType<typeof openStage>>
