import { expect, test } from "vitest"
import type { DrainEvent } from "../../src/drain-event.ts"
import { createEmf, emfLine } from "../../src/observe/emf.ts"
import { createFold } from "../../src/observe/figures.ts"
import { METRICS } from "../../src/observe/metrics.ts"
import { readEmf } from "./emf-rules.ts"

const ABOUT = { service: "peppermill", queue: "logins", run: "0b9f7a52" }

function setUp() {
  const lines: string[] = []
  const fold = createFold(() => 0)
  const emf = createEmf(fold, {
    about: ABOUT,
    write: (text) => lines.push(text),
    now: () => 1_795_388_673_957,
  })
  return { fold, emf, lines, last: () => readEmf(lines.at(-1) ?? "") }
}

const stored = (count: number, durationMs = 250): DrainEvent => ({
  type: "stored",
  stored: count,
  duplicates: 0,
  quarantined: 0,
  originals: 0,
  durationMs,
})
const rejected: DrainEvent = {
  type: "rejected",
  messageId: "m1",
  rejection: { reason: "missing", field: "ip" },
}

test("a line is what CloudWatch takes, of the dimensions Queue and Service only", () => {
  const { fold, emf, last, lines } = setUp()
  fold.see(stored(5))
  emf.flush()
  expect(lines.at(-1)).toMatch(/^\{[^\n]*\}\n$/)
  const line = last()
  expect(line).toMatchObject({ Queue: "logins", Service: "peppermill", run: "0b9f7a52", event: "metrics" })
  const [directive] = line._aws.CloudWatchMetrics
  expect(directive?.Dimensions).toEqual([["Queue", "Service"]])
  const names = Object.values(METRICS).flatMap((metric) => ("by" in metric ? [] : [metric.name]))
  expect(directive?.Metrics.map(({ Name }) => Name).sort()).toEqual(names.sort())
})

test("a counter is the increase since the last line, a gauge is what it is", () => {
  const { fold, emf, last } = setUp()
  fold.see({ type: "received", count: 30, durationMs: 1, oldestSentAtMs: null })
  fold.see(stored(10))
  for (let n = 0; n < 3; n++) fold.see(rejected)
  emf.flush()
  expect(last()).toMatchObject({
    peppermill_received_total: 30,
    peppermill_stored_total: 10,
    peppermill_rejected_total: 3,
    peppermill_in_flight: 20,
    rejections: { missing: 3 },
    peppermill_batch_rows: [10],
    peppermill_batch_seconds: [0.25],
  })
  fold.see(stored(7))
  emf.flush()
  expect(last()).toMatchObject({
    peppermill_received_total: 0,
    peppermill_stored_total: 7,
    peppermill_rejected_total: 0,
    peppermill_in_flight: 13,
    rejections: {},
    peppermill_batch_rows: [7],
  })
})

test("without a batch there is no value of one", () => {
  const { emf, last } = setUp()
  emf.flush()
  expect(last()).not.toHaveProperty("peppermill_batch_rows")
  expect(last()._aws.CloudWatchMetrics[0]?.Metrics.map(({ Name }) => Name)).not.toContain(
    "peppermill_batch_rows",
  )
})

test("no batch is lost or told twice, however many there are", () => {
  const { fold, emf, lines } = setUp()
  for (let n = 1; n <= 350; n++) fold.see(stored(n))
  emf.flush()
  const told = lines.map(readEmf)
  expect(told).toHaveLength(4)
  expect(told.flatMap((line) => line["peppermill_batch_rows"])).toEqual(
    Array.from({ length: 350 }, (_, n) => n + 1),
  )
  const sum = told.reduce((total, line) => total + Number(line["peppermill_stored_total"]), 0)
  expect(sum).toBe((350 * 351) / 2)
})

test("what no queue is part of has the dimension Service alone", () => {
  const line = readEmf(emfLine(0, { ...ABOUT, queue: null }, [["recoveries", 3]], { request: "r" }))
  expect(line._aws.CloudWatchMetrics[0]?.Dimensions).toEqual([["Service"]])
  expect(line).not.toHaveProperty("Queue")
  expect(line).toMatchObject({ peppermill_recoveries_total: 3, request: "r" })
})
