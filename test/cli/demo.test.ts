import { expect, test } from "vitest"
import { demoEvents } from "../../src/demo/events.ts"
import { peppermill } from "../binary.ts"

/** Of its made-up people, the demo recovers one. */
const RECOVERED = { stdout: ["address"] } as const

test("peppermill demo shows the whole job, with nothing set up", async () => {
  const { status, stdout, stderr } = await peppermill(["demo", "--json"], { mayShow: RECOVERED })
  expect(status, stderr).toBe(0)
  const result = JSON.parse(stdout)
  expect(result.summary).toMatchObject({
    received: 507,
    stored: 500,
    quarantined: 7,
    left: 0,
    outcome: "empty",
    rejections: {
      "not-json": 1,
      "not-an-object": 1,
      missing: 2,
      "not-an-ip": 1,
      "not-a-version": 1,
      "wrong-type": 1,
    },
  })
  expect(result.repeats.length).toBeGreaterThan(0)
  for (const { rows } of result.repeats) expect(rows).toBeGreaterThan(1)
  expect(result.rowsHoldingClearValues).toBe(0)
  const { recovered, erased, record } = result.wayBack
  const { clearValues } = demoEvents(500)
  for (const { value, verified } of recovered) {
    expect(clearValues).toContain(value)
    expect(verified).toBe(true)
  }
  expect(erased.originals).toBeGreaterThan(0)
  expect(erased.proof).toEqual({ outcome: "not-found" })
  expect(record.map(({ did }: { did: string }) => did)).toEqual([
    "request",
    "release",
    "erase",
    "request",
    "release",
  ])
})

test("peppermill demo speaks plain text without a terminal, even with a single event", async () => {
  const { status, stdout, stderr } = await peppermill(["demo", "--events", "1"], { mayShow: RECOVERED })
  expect(status, stderr).toBe(0)
  expect(stdout).toContain("Duplicates are still identifiable")
  expect(stdout).not.toContain("\u001b")
})
