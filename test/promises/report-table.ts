import type { Reporter, TestCase, TestModule } from "vitest/node"
import { findingText } from "./report.ts"

/** A reporter for vitest: what the proofs came to, one line a promise, once all tests have run. */
export default class ReportTable implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tests = modules.flatMap((module) => [...module.children.allTests()])
    const lines = tests.flatMap(linesOf).sort((a, b) => order.compare(a, b))
    const broken = modules.filter((module) => module.errors().length > 0)
    const failed = [
      ...broken.map((module) => module.relativeModuleId),
      ...tests.filter((test) => test.result().state === "failed").map((test) => test.fullName),
    ]
    process.stdout.write(
      ["", "What was proved:", ...lines, ...failed.map((name) => `FAILED ${name}`), "", ""].join("\n"),
    )
  }
}

const order = new Intl.Collator("en", { numeric: true })

function linesOf(test: TestCase): string[] {
  const seconds = ((test.diagnostic()?.duration ?? 0) / 1000).toFixed(1)
  const failed = test.result().state === "failed" ? " FAILED" : ""
  return (test.meta().findings ?? []).map((finding) => `${findingText(finding)}, ${seconds} s${failed}`)
}
