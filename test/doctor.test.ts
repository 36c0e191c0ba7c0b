import { tmpdir } from "node:os"
import { expect, test } from "vitest"
import { diagnose, type Finding } from "../src/doctor.ts"
import { openSettings } from "../src/open.ts"

test("every problem of a configuration is a finding of its own, on one line", async () => {
  const env = { PEPPERMILL_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/", PEPPERMILL_BATCH_ROWS: "none" }
  const findings: Finding[] = []
  for await (const finding of diagnose(() => openSettings({ cwd: tmpdir(), env }))) findings.push(finding)
  expect(findings.map(({ name, status, message }) => [name, status, message])).toEqual([
    ["configuration", "fail", expect.stringMatching(/^PEPPERMILL_BATCH_ROWS: .+$/)],
    ["configuration", "fail", expect.stringMatching(/^PEPPERMILL_QUEUE_URL: .+$/)],
  ])
  expect(findings.map(({ hint }) => hint)).toEqual([undefined, expect.stringContaining("2 problems")])
})
