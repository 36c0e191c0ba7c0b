import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { METRICS } from "../../src/observe/metrics.ts"

test("the README's table of metrics is what the program has, row by row", () => {
  const readme = readFileSync(join(import.meta.dirname, "../../README.md"), "utf8")
  const rows = readme
    .split("\n")
    .filter((line) => /^\| `peppermill_.* \| (counter|gauge|histogram) \|/.test(line))
  expect(rows).toEqual(
    Object.values(METRICS).map((metric) => {
      const label = "label" in metric ? `{${metric.label}}` : ""
      return `| \`${metric.name}${label}\` | ${metric.kind} | ${metric.unit.toLowerCase()} | ${metric.help} |`
    }),
  )
})
