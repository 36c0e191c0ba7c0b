import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { TestProject } from "vitest/node"
import { dropTemplate, makeTemplate } from "./database.ts"
import { searchServerLog } from "./server-log.ts"
import { LOG_EVERYTHING, LOG_STATEMENTS, startPostgres } from "./start-postgres.ts"
import { countedRuns, RUNS } from "./tripwire.ts"

declare module "vitest" {
  interface ProvidedContext {
    /** A superuser's URL of the server that the tests share. */
    databaseServerUrl: string
    /** A database of that server in which `init` has run. */
    databaseTemplate: string
  }
}

/**
 * Starts one PostgreSQL for the whole run, or takes the one of TEST_DATABASE_URL.
 * When all tests have run, what peppermill sent to it must hold no canary.
 */
export default async function setUp(project: TestProject): Promise<() => Promise<void>> {
  const { TEST_DATABASE_URL: given, TEST_DATABASE_LOG: wanted } = process.env
  const folder = await mkdtemp(join(tmpdir(), "peppermill-tripwire-"))
  const runs = join(folder, "runs")
  const keepLog = wanted || join(folder, "postgresql.json")
  // Workers inherit it.
  process.env[RUNS] = runs
  const settings = wanted ? LOG_EVERYTHING : LOG_STATEMENTS
  const server =
    given === undefined ? await startPostgres({ keepLog, settings }) : { url: given, stop: async () => {} }
  try {
    const template = await makeTemplate(server.url)
    project.provide("databaseServerUrl", server.url)
    project.provide("databaseTemplate", template)
    return async () => {
      await dropTemplate(server.url, template).finally(server.stop)
      say(countedRuns(runs))
      if (given === undefined) await searchLog(keepLog)
      else say("tripwire: the server is that of TEST_DATABASE_URL: what its log holds is not known")
      await rm(folder, { recursive: true })
    }
  } catch (error) {
    await server.stop()
    await rm(folder, { recursive: true })
    throw error
  }
}

/** @throws Error, which fails the whole run. The log stays where it is then. */
async function searchLog(file: string): Promise<void> {
  const { lines, found } = await searchServerLog(file)
  if (found.length > 0) throw new Error(`peppermill leaks to PostgreSQL: ${found.join(", ")} of ${file}`)
  say(`tripwire: ${lines} lines of peppermill's sessions in the server's log, none with a canary`)
}

function say(words: string): void {
  process.stdout.write(`${words}\n`)
}
