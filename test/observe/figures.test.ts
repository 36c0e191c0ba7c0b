import { expect, test } from "vitest"
import { addEvent, type DrainEvent, NO_TOTALS } from "../../src/drain-event.ts"
import { type BatchFigures, createFold, sum } from "../../src/observe/figures.ts"
import { METRICS } from "../../src/observe/metrics.ts"

const received = (count: number, oldestSentAtMs: number | null = null): DrainEvent => ({
  type: "received",
  count,
  durationMs: 3,
  oldestSentAtMs,
})

const stored = (stored: number, more: { duplicates?: number; quarantined?: number } = {}): DrainEvent => ({
  type: "stored",
  stored,
  duplicates: 0,
  quarantined: 0,
  originals: 2 * stored,
  durationMs: 250,
  ...more,
})

const RUN: readonly DrainEvent[] = [
  received(10),
  { type: "rejected", messageId: "m1", rejection: { reason: "missing", field: "ip" } },
  { type: "rejected", messageId: "m2", rejection: { reason: "missing", field: "ip" } },
  { type: "rejected", messageId: "m3", rejection: { reason: "not-json", field: "$" } },
  { type: "empty-poll", consecutive: 1 },
  stored(5, { duplicates: 1, quarantined: 3 }),
  { type: "acknowledged", count: 8, failed: 1, durationMs: 2 },
  { type: "retrying", service: "queue", call: "receive", code: "X", attempt: 1, delayMs: 5 },
  { type: "retrying", service: "database", call: "commit", code: "40001", attempt: 1, delayMs: 5 },
  { type: "heartbeat", count: 4, lost: 2, failed: false },
  { type: "left", count: 1, reason: "damaged" },
  { type: "finished", outcome: "empty", heldByOthers: 0 },
]

test("the figures of a run are those of its summary", () => {
  const fold = createFold(() => 0)
  for (const event of RUN) fold.see(event)
  const totals = RUN.reduce(addEvent, NO_TOTALS)
  const { received, stored, duplicates, quarantined, left, rejected, retries, ...others } = fold.figures()
  expect([received, stored, duplicates, quarantined, left].map(sum)).toEqual([
    totals.received,
    totals.stored,
    totals.duplicates,
    totals.quarantined,
    totals.left,
  ])
  const notZero = (figures: object) =>
    Object.fromEntries(Object.entries(figures).filter(([, count]) => count > 0))
  expect(notZero(rejected)).toEqual(totals.rejections)
  expect(notZero(left)).toEqual({ damaged: 1 })
  expect(retries).toEqual({ queue: 1, database: 1 })
  expect(others).toEqual({
    deleted: { "": 8 },
    deleteFailures: { "": 1 },
    vaultWrites: { "": 10 },
    emptyReceives: { "": 1 },
    lostHolds: { "": 2 },
    inFlight: { "": 0 },
    oldestMessageAge: { "": 0 },
    paused: { "": 0 },
  })
})

test("every metric has a figure, a histogram, or a command that counts it", () => {
  const keys = Object.entries(METRICS).flatMap(([key, metric]) =>
    metric.kind === "histogram" || "by" in metric ? [] : [key],
  )
  expect(Object.keys(createFold(() => 0).figures()).sort()).toEqual(keys.sort())
})

test("a counter is there from the start, by every value of its label", () => {
  const { stored, rejected, left, retries } = createFold(() => 0).figures()
  expect(stored).toEqual({ "": 0 })
  expect(Object.entries(rejected)).toHaveLength(9)
  expect(rejected).toMatchObject({ "not-json": 0, "not-storable": 0 })
  expect(left).toMatchObject({ damaged: 0, "not-committed": 0 })
  expect(retries).toEqual({ queue: 0, database: 0 })
})

test("what is received and not yet settled is in flight", () => {
  const fold = createFold(() => 0)
  const inFlight = () => sum(fold.figures().inFlight)
  fold.see(received(30))
  expect(inFlight()).toBe(30)
  fold.see(stored(10, { duplicates: 4, quarantined: 1 }))
  expect(inFlight()).toBe(15)
  fold.see({ type: "left", count: 15, reason: "not-committed" })
  expect(inFlight()).toBe(0)
})

test("the oldest age is that of the last minute, and goes away with it", () => {
  let now = 1_000_000_000_000
  const fold = createFold(() => now)
  const age = () => sum(fold.figures().oldestMessageAge)
  fold.see(received(1, now - 90_000))
  fold.see(received(1, now - 20_000))
  expect(age()).toBe(90)
  now += 29_000
  fold.see(received(1, now - 5_000))
  expect(age()).toBe(90)
  now += 65_000
  expect(age()).toBe(0)
  // A producer's clock may be ahead of ours.
  fold.see(received(1, now + 5_000))
  expect(age()).toBe(0)
})

test("a pause shows until somebody ends it", () => {
  const fold = createFold(() => 0)
  fold.see({ type: "paused" })
  expect(fold.figures().paused).toEqual({ "": 1 })
  fold.see({ type: "resumed" })
  expect(fold.figures().paused).toEqual({ "": 0 })
})

test("each transaction is told to those who make histograms of it", () => {
  const fold = createFold(() => 0)
  const batches: BatchFigures[] = []
  fold.onBatch((batch) => batches.push(batch))
  fold.see(stored(5, { duplicates: 2, quarantined: 1 }))
  expect(batches).toEqual([{ rows: 8, seconds: 0.25 }])
})

test("metrics have names that Prometheus takes, and say their unit in them", () => {
  const names = Object.values(METRICS).map(({ name }) => name)
  expect(new Set(names).size).toBe(names.length)
  for (const { name, kind, unit } of Object.values(METRICS)) {
    expect(name).toMatch(/^peppermill(_[a-z]+)+$/)
    expect(name.endsWith("_total"), name).toBe(kind === "counter")
    expect(name.endsWith("_seconds"), name).toBe(unit === "Seconds")
  }
})
