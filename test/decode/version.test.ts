import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { packVersion } from "../../src/decode/version.ts"

describe("packVersion", () => {
  test.each([
    ["2.3.0", 2_003_000],
    ["0.2.6", 2_006],
    ["2.6", 2_006_000],
    ["7", 7_000_000],
    ["6.02", 6_002_000],
    ["2146.999.999", 2_146_999_999],
  ])("packs %s", (text, packed) => {
    expect(packVersion(text)).toBe(packed)
  })

  test.each([
    "",
    "v2.3.0",
    "2.3.0-beta.1",
    "2..3",
    "2.3.",
    ".1",
    "1.2.3.4",
    " 1",
    "1\n",
    "-1",
    "1e3",
    "٣",
    "NaN",
  ])("refuses %j", (text) => {
    expect(packVersion(text)).toBe("not-a-version")
  })

  test.each(["2147", "2147.0.0", "1.1000", "1.0.1000", "9".repeat(400)])("finds %j out of range", (text) => {
    expect(packVersion(text)).toBe("out-of-range")
  })

  test("keeps order and distinctness, within PostgreSQL's integer", () => {
    const part = fc.integer({ min: 0, max: 999 })
    const version = fc.tuple(fc.integer({ min: 0, max: 2146 }), part, part)
    fc.assert(
      fc.property(version, version, (a, b) => {
        const [x, y] = [packVersion(a.join(".")) as number, packVersion(b.join(".")) as number]
        const order = a[0] - b[0] || a[1] - b[1] || a[2] - b[2]
        expect(Math.sign(x - y)).toBe(Math.sign(order))
        expect(x).toBeLessThanOrEqual(2_147_483_647)
      }),
    )
  })
})
