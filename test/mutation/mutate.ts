/**
 * Plants a bug at a time and asks the tests whether they notice: Stryker over the
 * code that decides what is stored and who may read it. Fails below 85 %.
 *
 *     npm run mutate [-- target…]        default: all of them
 *
 * What is left alive is listed with its place. One PostgreSQL serves the whole
 * run; results are kept in .cache, so that a second run only looks at changes.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { startPostgres } from "../start-postgres.ts"
import type { Target } from "./target.ts"

const wholeFolder = (name: string, constants: boolean): Target => ({
  name,
  files: [`src/${name}/**/*.ts`],
  tests: [`test/${name}/**/*.test.ts`],
  constants,
})

const TARGETS: readonly Target[] = [
  wholeFolder("decode", true),
  wholeFolder("mask", true),
  wholeFolder("vault", true),
  // What is constant there is SQL for the most part, and each planted bug would take all tests, at a minute each.
  wholeFolder("sink", false),
  wholeFolder("recover", false),
  // Of sink, what decides on a batch and on an error, with its constants; quick, for it needs no database.
  {
    name: "batch",
    files: ["bisect", "retrying", "sqlstate", "write-items"].map((file) => `src/sink/${file}.ts`),
    tests: ["bisect", "retrying", "sqlstate", "write-items"].map((file) => `test/sink/${file}.test.ts`),
    constants: true,
  },
]

const root = join(import.meta.dirname, "../..")
const wanted = process.argv.slice(2)
const unknown = wanted.find((name) => TARGETS.every((target) => target.name !== name))
if (unknown !== undefined) throw new Error(`no target is called ${unknown}`)
const postgres = await startPostgres()
for (const target of TARGETS.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  const child = spawn("stryker", ["run", "test/mutation/stryker.config.mjs"], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, MUTATE_TARGET: JSON.stringify(target), TEST_DATABASE_URL: postgres.url },
  })
  const [status] = await once(child, "exit")
  if (status !== 0) process.exitCode = 1
}
await postgres.stop()
