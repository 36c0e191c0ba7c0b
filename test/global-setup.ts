import { fork } from "node:child_process"
import { once } from "node:events"
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
    const template = await makeTemplate(server.url)
    project.provide("databaseServerUrl", server.url)
    project.provide("databaseTemplate", template)
    return async () => {
      await dropTemplate(server.url, template).finally(server.stop)
    }
  } catch (error) {
    await server.stop()
    throw error
  }
}

async function startServer(): Promise<{ url: string; stop(): Promise<void> }> {
  const child = fork(new URL("./postgres-server.ts", import.meta.url), { execArgv: [] })
  const exited = once(child, "exit")
  const url = await Promise.race([
    once(child, "message").then(([message]) => String(message)),
    exited.then(([code]) => {
      throw new Error(`PostgreSQL for the tests did not start: exit status ${code}`)
    }),
  ])
  return {
    url,
    async stop() {
      if (child.connected) child.disconnect()
      await exited
    },
  }
}
