import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { describeBody } from "../../src/vault/quarantine.ts"
import { LOGIN_SHAPE } from "./login-shape.ts"

const shapeOf = (body: string) => describeBody(body, LOGIN_SHAPE)

describe("the description of a rejected body", () => {
  test("has the types of known keys, in the shape's order, and counts the others", () => {
    const body = {
      device_id: ["device-4711"],
      extra: 1,
      ip: 5,
      user_id: "u",
      locale: null,
      email: "a@b",
      x: {},
    }
    expect(shapeOf(JSON.stringify(body))).toBe(
      "{user_id: string, device_type: absent, ip: number, device_id: array, locale: null, app_version: absent, +3 unknown}",
    )
  })

  test.each([
    ["", "empty"],
    ["{", "not JSON"],
    ["\ufeff{}", "not JSON"],
    ['{"user_id":NaN}', "not JSON"],
    ["[1,2]", "array"],
    ["null", "null"],
    ["true", "boolean"],
    ["12", "number"],
    ['"203.0.113.9"', "string"],
  ])("of %j is %j", (body, description) => {
    expect(shapeOf(body)).toBe(description)
  })

  test("takes no key from a prototype", () => {
    const absent = LOGIN_SHAPE.fields.map(({ name }) => `${name}: absent`).join(", ")
    expect(shapeOf('{"__proto__":{"ip":"203.0.113.66"},"constructor":1,"toString":2}')).toBe(
      `{${absent}, +3 unknown}`,
    )
    expect(({} as Record<string, unknown>)["ip"]).toBeUndefined()
  })

  test("holds no value and no unknown key, whatever the body", () => {
    const canary = fc
      .string({ unit: "grapheme-ascii", minLength: 6, maxLength: 20 })
      .map((text) => `~${text}~`)
    const known = fc.constantFrom(...LOGIN_SHAPE.fields.map(({ name }) => name))
    const value = fc.oneof(canary, fc.array(canary), fc.dictionary(canary, canary))
    const body = fc.oneof(fc.dictionary(fc.oneof(known, canary), value), value)
    fc.assert(
      fc.property(body, (json) => {
        expect(shapeOf(JSON.stringify(json))).not.toContain("~")
      }),
    )
  })

  test.each([
    ["half a million nested arrays", "[".repeat(500_000) + "]".repeat(500_000), "array"],
    [
      "a deep object under a known key",
      `{"ip":${'{"a":'.repeat(200_000)}1${"}".repeat(200_000)}}`,
      "ip: object",
    ],
    [
      "50,000 keys",
      `{${Array.from({ length: 50_000 }, (_, key) => `"${key * 65_536}":0`).join(",")}}`,
      "+50000",
    ],
  ])("stands %s", (_, body, part) => {
    // CPU time: the clock would also measure who else is busy on this machine.
    const before = process.cpuUsage()
    expect(shapeOf(body)).toContain(part)
    const { user, system } = process.cpuUsage(before)
    expect((user + system) / 1_000).toBeLessThan(2_000)
  })

  test("is at most 1,000 characters, however many fields the shape has", () => {
    const fields = Array.from({ length: 500 }, (_, index) => ({
      ...(LOGIN_SHAPE.fields[0] as (typeof LOGIN_SHAPE.fields)[0]),
      name: `\u{1f600}field_${index}`,
    }))
    const text = describeBody("{}", { ...LOGIN_SHAPE, fields })
    expect(text.length).toBeLessThanOrEqual(1000)
    expect(text.isWellFormed()).toBe(true)
    expect(text.endsWith("…")).toBe(true)
  })

  test.each([
    [1000, "{", "}"],
    [1001, "{", "…"],
  ])("of %d characters, it ends where it may", (length, begins, ends) => {
    const name = "n".repeat(length - "{: absent}".length)
    const fields = LOGIN_SHAPE.fields.slice(0, 1).map((field) => ({ ...field, name }))
    const text = describeBody("{}", { ...LOGIN_SHAPE, fields })
    expect(text).toHaveLength(1000)
    expect([text.slice(0, 1), text.slice(-1)]).toEqual([begins, ends])
  })
})
