// Ends .ci/run: prints "N passed, N failed" and leaves with 1 unless something ran and nothing failed.
// Arguments, for each run: vitest's JSON report, and the exit status of the run that wrote it.

import { readFileSync } from "node:fs"

const given = process.argv.slice(2)
const statuses = given.filter((_, at) => at % 2 === 1)
const testResults = given
  .filter((_, at) => at % 2 === 0)
  .flatMap((file) => {
    try {
      return JSON.parse(readFileSync(file, "utf8")).testResults
    } catch {
      process.stdout.write("no report: the tests did not run to their end\n")
      return []
    }
  })

const results = testResults.flatMap(({ assertionResults }) => assertionResults.map((test) => test.status))
const count = (...statuses) => results.filter((status) => statuses.includes(status)).length

// A file that cannot be loaded fails with no test of its own in the report.
const broken = testResults.filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((t) => t.status === "failed"),
)
for (const { name, message } of broken) process.stdout.write(`${name}: ${message.split("\n")[0]}\n`)

const passed = count("passed")
const skipped = count("skipped", "pending", "todo", "disabled")
let failed = count("failed") + broken.length
const bad = statuses.find((status) => status !== "0")
if (failed === 0 && bad !== undefined) {
  process.stdout.write(`a run failed outside any test (exit status ${bad})\n`)
  failed = 1
}

const skippedPart = skipped > 0 ? `, ${skipped} skipped` : ""
process.stdout.write(`${passed} passed, ${failed} failed${skippedPart}\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
