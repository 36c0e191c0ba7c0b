import { describe, expect, test } from "vitest"
import { createDepth } from "../../../src/tui/meter/depth.ts"
import { createRate } from "../../../src/tui/meter/rate.ts"

describe("rate", () => {
  test("counts by whole seconds, and never shows the one that is not over", () => {
    const rate = createRate(10_400)
    rate.add(5, 10_500)
    rate.add(7, 11_000)
    rate.add(1, 11_999)
    rate.add(100, 13_100)
    expect(rate.perSecond(13_500)).toEqual([5, 8, 0])
    expect(rate.perSecond(14_000)).toEqual([5, 8, 0, 100])
  })

  test("a second in which nothing came is a nothing, also after a long silence", () => {
    const rate = createRate(0)
    rate.add(9, 0)
    expect(rate.perSecond(3000)).toEqual([9, 0, 0])
    const later = rate.perSecond(10_000_000)
    expect(later).toHaveLength(599)
    expect(new Set(later)).toEqual(new Set([0]))
  })

  test("keeps ten minutes, not more", () => {
    const rate = createRate(0)
    for (let second = 0; second < 2000; second++) rate.add(second, second * 1000)
    const kept = rate.perSecond(2_000_000)
    expect(kept.length).toBeLessThanOrEqual(600)
    expect(kept.at(-1)).toBe(1999)
    expect(kept[0]).toBe(2000 - kept.length)
  })
})

describe("depth", () => {
  const counts = (visible: number, delayed = 0) => ({ visible, inFlight: 0, delayed })

  test("says nothing before the counts have come", () => {
    expect(createDepth().outlook(0, 100)).toEqual({ kind: "unknown" })
  })

  test("without a trend yet, our own rate decides", () => {
    const depth = createDepth()
    depth.add(counts(5000, 1000), 0)
    expect(depth.outlook(0, 100)).toEqual({ kind: "in", ms: 60_000 })
    expect(depth.outlook(10_000, 100)).toEqual({ kind: "in", ms: 50_000 })
    expect(depth.outlook(0, 0)).toEqual({ kind: "unknown" })
  })

  test("with a trend, producers are part of it", () => {
    const depth = createDepth()
    for (let at = 0; at <= 30; at += 5) depth.add(counts(10_000 - at * 100), at * 1000)
    expect(depth.outlook(30_000, 5000)).toEqual({ kind: "in", ms: 70_000 })
  })

  test("a queue that fills faster than it is drained grows", () => {
    const depth = createDepth()
    for (let at = 0; at <= 30; at += 5) depth.add(counts(10_000 + at), at * 1000)
    expect(depth.outlook(30_000, 5000)).toEqual({ kind: "growing" })
  })

  test("nothing waiting is empty", () => {
    const depth = createDepth()
    depth.add(counts(0), 0)
    expect(depth.outlook(0, 10)).toEqual({ kind: "empty" })
  })
})
