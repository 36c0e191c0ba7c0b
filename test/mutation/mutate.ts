/**
 * Plants a bug at a time and asks the tests whether they notice: Stryker over the
 * code that decides what is stored and who may read it. Fails below 85 %.
 *
 *     npm run mutate [-- target…]        default: all of them; `sink` is `sink-write` and `sink-database`
 *
 * What is left alive is listed with its place. One PostgreSQL serves the whole
 * run; results are kept in .cache, so that a second run only looks at changes.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { startPostgres } from "../start-postgres.ts"
import type { Target } from "./target.ts"

const wholeFolder = (name: string): Target => ({
  name,
  files: [`src/${name}/**/*.ts`],
  tests: [`test/${name}/**/*.test.ts`],
})

const inSink = (...names: readonly string[]): Pick<Target, "files" | "tests"> => ({
  files: names.map((name) => `src/sink/${name}.ts`),
  tests: names.map((name) => `test/sink/${name}.test.ts`),
})

/** What decides on a batch and on an error. It needs no database. */
const BATCH = inSink("bisect", "retrying", "sqlstate", "write-items")

/** What carries a batch into the database, with all that can go wrong on the way. */
const WRITE = inSink(
  "binary-array",
  "connection",
  "data-keys",
  "database-error",
  "gather",
  "parameters",
  "pool",
  "postgres",
  "sink",
  "sqlstate-words",
  "write-statement",
)

/** Its tests run in PostgreSQL: a planted bug may look like a server that does not answer. */
const withDatabase = (target: Target): Target => ({ ...target, constants: false, testSeconds: 20 })

const TARGETS: readonly Target[] = [
  wholeFolder("decode"),
  wholeFolder("mask"),
  wholeFolder("vault"),
  { name: "batch", ...BATCH },
  withDatabase({ name: "sink-write", ...WRITE }),
  // The rest: what is set up in the database, checked there and cleared away.
  withDatabase({
    name: "sink-database",
    files: [
      "src/sink/**/*.ts",
      ...[...BATCH.files, ...WRITE.files, "src/sink/pglite.ts"].map((file) => `!${file}`),
    ],
    tests: [
      "init",
      "init-objects",
      "inspect",
      "mask-keys",
      "preflight",
      "prune",
      "prune-vault",
      "table-fit",
    ].map((name) => `test/sink/${name}.test.ts`),
  }),
  withDatabase(wholeFolder("recover")),
]

const root = join(import.meta.dirname, "../..")
const wanted = process.argv.slice(2)
const isCalled = (called: string) => (target: Target) => `${target.name}-`.startsWith(`${called}-`)
const unknown = wanted.find((called) => !TARGETS.some(isCalled(called)))
if (unknown !== undefined) throw new Error(`no target is called ${unknown}`)
const postgres = await startPostgres()
for (const target of TARGETS) {
  if (wanted.length > 0 && !wanted.some((called) => isCalled(called)(target))) continue
  const child = spawn("stryker", ["run", "test/mutation/stryker.config.mjs"], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, MUTATE_TARGET: JSON.stringify(target), TEST_DATABASE_URL: postgres.url },
  })
  const [status] = await once(child, "exit")
  if (status !== 0) process.exitCode = 1
}
await postgres.stop()
