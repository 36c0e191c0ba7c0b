import { expect } from "vitest"

/** The units that CloudWatch knows (PutMetricData). */
const UNITS = new Set(
  ["Seconds", "Microseconds", "Milliseconds", "Percent", "Count", "Count/Second", "None"].concat([
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
  ]),
)

interface EmfLine {
  readonly _aws: {
    readonly Timestamp: number
    readonly CloudWatchMetrics: readonly {
      readonly Namespace: string
      readonly Dimensions: readonly (readonly string[])[]
      readonly Metrics: readonly { readonly Name: string; readonly Unit?: string }[]
    }[]
  }
  readonly [target: string]: unknown
}

/**
 * Hold a line to the rules of CloudWatch's embedded metric format (user guide, "Specification: Embedded
 * metric format"): a root object with `_aws`, at most 100 metrics in a directive and 30 dimensions in a
 * set, every metric and dimension a member of the root, a metric's value a number or up to 100 of them,
 * a dimension's value a text of 1 to 1024 characters, and the event within 1 MB.
 */
export function readEmf(text: string): EmfLine {
  expect(Buffer.byteLength(text)).toBeLessThan(1_048_576)
  const line = JSON.parse(text) as EmfLine
  expect(Number.isInteger(line._aws.Timestamp)).toBe(true)
  expect(line._aws.CloudWatchMetrics.length).toBeGreaterThan(0)
  for (const { Namespace, Dimensions, Metrics, ...rest } of line._aws.CloudWatchMetrics) {
    expect(rest).toEqual({})
    expect(Namespace).toMatch(/^[A-Za-z0-9._/#:-]{1,255}$/)
    expect(Metrics.length).toBeGreaterThan(0)
    expect(Metrics.length).toBeLessThanOrEqual(100)
    for (const set of Dimensions) {
      expect(set.length).toBeLessThanOrEqual(30)
      for (const name of set) {
        expect(name).toMatch(/^[A-Za-z0-9]{1,250}$/)
        expect(line[name]).toBeTypeOf("string")
        expect(String(line[name])).toMatch(/^[\x20-\x7e]{1,1024}$/)
      }
    }
    const names = Metrics.map(({ Name }) => Name)
    expect(new Set(names).size).toBe(names.length)
    for (const { Name, Unit = "None", ...more } of Metrics) {
      expect(more).toEqual({})
      expect(Name).toMatch(/^[\x21-\x7e]{1,1024}$/)
      expect(UNITS, Name).toContain(Unit)
      const value = line[Name]
      const values = Array.isArray(value) ? value : [value]
      expect(values.length, Name).toBeGreaterThan(0)
      expect(values.length, Name).toBeLessThanOrEqual(100)
      for (const one of values) expect(Number.isFinite(one), Name).toBe(true)
    }
  }
  return line
}
