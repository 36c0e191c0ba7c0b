import fc from "fast-check"
import { expect, test } from "vitest"
import { createLatency } from "../../../src/tui/meter/latency.ts"

test("there are no quantiles before the first call", () => {
  expect(createLatency(0).quantiles(5000)).toBeNull()
})

test("the median and the 99th percentile are right to five percent, whatever the calls took", () => {
  const durations = fc.array(fc.double({ min: 0.1, max: 600_000, noNaN: true }), {
    minLength: 1,
    maxLength: 300,
  })
  fc.assert(
    fc.property(durations, (ms) => {
      const latency = createLatency(0)
      for (const one of ms) latency.add(one, 0)
      const sorted = ms.toSorted((a, b) => a - b)
      const exact = (of: number) => sorted[Math.ceil(of * sorted.length) - 1] as number
      const found = latency.quantiles(0)
      expect(Math.abs(Math.log((found?.p50 ?? 0) / exact(0.5)))).toBeLessThan(0.05)
      expect(Math.abs(Math.log((found?.p99 ?? 0) / exact(0.99)))).toBeLessThan(0.05)
    }),
  )
})

test("what took no time, and what took a day, still count", () => {
  const latency = createLatency(0)
  latency.add(0, 0)
  latency.add(86_400_000, 0)
  expect(latency.quantiles(0)?.p50).toBeLessThan(0.1)
  expect(latency.quantiles(0)?.p99).toBeGreaterThan(1e6)
})

test("calls are forgotten after one to two windows", () => {
  const latency = createLatency(0)
  latency.add(500, 1000)
  latency.add(5, 31_000)
  expect(latency.quantiles(45_000)?.p99).toBeGreaterThan(400)
  latency.add(5, 61_000)
  expect(latency.quantiles(65_000)?.p99).toBeLessThan(10)
  expect(latency.quantiles(200_000)).toBeNull()
})

test("busy is how many calls were under way at one time, on average", () => {
  const latency = createLatency(0)
  // Two at a time, each for half a second, for ten seconds.
  for (let ms = 500; ms <= 10_000; ms += 500) {
    latency.add(500, ms)
    latency.add(500, ms)
  }
  expect(latency.quantiles(10_000)?.busy).toBeCloseTo(2, 5)
})
