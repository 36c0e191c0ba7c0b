import type { TestProject } from "vitest/node"
import { dropTemplate, makeTemplate } from "./database.ts"
import { LOG_EVERYTHING, startPostgres } from "./start-postgres.ts"

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
  const { TEST_DATABASE_URL: given, TEST_DATABASE_LOG: log } = process.env
  const server =
    given !== undefined
      ? { url: given, stop: async () => {} }
      : await startPostgres(log === undefined ? {} : { log, settings: LOG_EVERYTHING })
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
