/**
 * How much of src the tests run: every line but the views, in process and in
 * the program that tests start.
 *
 *     npm run coverage
 *
 * vitest sees what its own process runs. Command lines are tested on the
 * executable, into which nobody can look; so those tests run once more with
 * the same source under plain Node, which tells what it ran. A line or a way of
 * a branch counts when it ran in process or in the program.
 * Fails when a test fails, below 95 % of the lines, or below 90 % of the branches.
 */
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdirSync, readFileSync, rmSync } from "node:fs"
import { join } from "node:path"
import { type CoverageMap, type Figures, figuresOf } from "./figures.ts"
import { buildProgram, coverageOfRuns } from "./program.ts"

const MIN_LINES = 95
const MIN_BRANCHES = 90

/** Tests that start the program. What only the executable itself can do fails in them here, and was tested before. */
const STARTING = [
  "test/cli",
  "test/observe/binary.test.ts",
  "test/tui/built.test.ts",
  "test/promises/bad-commands.test.ts",
  "test/promises/bad-configs.test.ts",
  "test/promises/bad-environments.test.ts",
  "test/promises/leaks.test.ts",
  "test/promises/tls-",
]

/** Tests of the executable alone, which take long and run nothing in this process. */
const WITHOUT = ["test/promises/**", "test/bench/**", "test/deploy/**", "test/build.test.ts"]

const root = join(import.meta.dirname, "../..")
const folder = join(root, "coverage")
rmSync(folder, { recursive: true, force: true })
mkdirSync(folder)

const [status] = await run(
  ["--coverage", "--testTimeout=600000", ...WITHOUT.map((tests) => `--exclude=${tests}`)],
  {},
)
const program = await buildProgram(root, join(folder, "program"))
await run(STARTING, { PEPPERMILL_TEST_BINARY: program.path })

const inProcess = JSON.parse(readFileSync(join(folder, "coverage-final.json"), "utf8")) as CoverageMap
const inProgram = await coverageOfRuns(root, program)
const percent = ({ hit, all }: { hit: number; all: number }) => (all === 0 ? 100 : (hit / all) * 100)
const files = Object.entries(inProcess).map(([path, file]) => ({ path, ...figuresOf(file, inProgram[path]) }))

for (const { path, lines, branches } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1))) {
  if (percent(lines) >= MIN_LINES && percent(branches) >= MIN_BRANCHES) continue
  const name = path.slice(root.length + 1).padEnd(44)
  say(`${name} lines ${percent(lines).toFixed(1)} %, branches ${percent(branches).toFixed(1)} %`)
}
const total = (what: keyof Figures) => ({
  hit: files.reduce((sum, figures) => sum + figures[what].hit, 0),
  all: files.reduce((sum, figures) => sum + figures[what].all, 0),
})
const [lines, branches] = [percent(total("lines")), percent(total("branches"))]
say(`${files.length} files: lines ${lines.toFixed(2)} %, branches ${branches.toFixed(2)} %`)
process.exitCode = status === 0 && lines >= MIN_LINES && branches >= MIN_BRANCHES ? 0 : 1

function run(args: readonly string[], env: Record<string, string>) {
  const child = spawn("vitest", ["run", ...args], {
    cwd: root,
    stdio: "inherit",
    env: { ...process.env, ...env },
  })
  return once(child, "exit")
}

function say(words: string): void {
  process.stdout.write(`${words}\n`)
}
