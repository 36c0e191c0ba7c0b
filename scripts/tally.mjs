// Ends .ci/run: prints "N passed, N failed" and leaves with 1 unless something ran and nothing failed.
// Arguments: vitest's JSON report, and the exit status of the run that wrote it.

import { readFileSync } from "node:fs"

const [file, status] = process.argv.slice(2)

let report = { testResults: [] }
try {
  report = JSON.parse(readFileSync(file, "utf8"))
} catch {
  process.stdout.write("no report: the tests did not run to their end\n")
}

const results = report.testResults.flatMap(({ assertionResults }) =>
  assertionResults.map((test) => test.status),
)
const count = (...statuses) => results.filter((status) => statuses.includes(status)).length

// A file that cannot be loaded fails with no test of its own in the report.
const broken = report.testResults.filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((t) => t.status === "failed"),
)
for (const { name, message } of broken) process.stdout.write(`${name}: ${message.split("\n")[0]}\n`)

const passed = count("passed")
const skipped = count("skipped", "pending", "todo", "disabled")
let failed = count("failed") + broken.length
if (failed === 0 && status !== "0") {
  process.stdout.write(`the run failed outside any test (exit status ${status})\n`)
  failed = 1
}

const skippedPart = skipped > 0 ? `, ${skipped} skipped` : ""
process.stdout.write(`${passed} passed, ${failed} failed${skippedPart}\n`)
process.exitCode = failed > 0 || passed === 0 ? 1 : 0
