/**
 * Plants a bug at a time and asks the tests whether they notice: Stryker over the
 * folders that decide what is stored and who may read it. Fails below 85 %.
 *
 *     npm run mutate [-- folder…]        default: all of them
 *
 * What is left alive is listed with its place. One PostgreSQL serves the whole
 * run; results are kept in .cache, so that a second run only looks at changes.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { startPostgres } from "../start-postgres.ts"

const FOLDERS = ["decode", "mask", "vault", "sink", "recover"]

const root = join(import.meta.dirname, "../..")
const folders = process.argv.length > 2 ? process.argv.slice(2) : FOLDERS
const postgres = await startPostgres()
for (const folder of folders) {
  const child = spawn("stryker", ["run", "test/mutation/stryker.config.mjs"], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, MUTATE_FOLDER: folder, TEST_DATABASE_URL: postgres.url },
  })
  const [status] = await once(child, "exit")
  if (status !== 0) process.exitCode = 1
}
await postgres.stop()
