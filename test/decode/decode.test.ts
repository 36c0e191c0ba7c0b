import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { canonicalText, createDecoder } from "../../src/decode/decode.ts"
import type { EventField } from "../../src/decode/event-shape.ts"
import { field, LOGIN, login } from "../shape.ts"

const decode = createDecoder(LOGIN)

const rejected = (body: string) => {
  const decoded = decode(body)
  return decoded.ok ? "accepted" : `${decoded.rejection.reason} ${decoded.rejection.field}`
}

describe("decode", () => {
  test("takes an event apart along its shape", () => {
    expect(decode(login({ ip: "2001:DB8::01" }))).toEqual({
      ok: true,
      event: {
        subject: "u-1",
        plain: ["u-1", "android", "RU", 2_003_000],
        masked: [
          { canonical: "2001:db8::1", original: "2001:DB8::01" },
          { canonical: "canary-device-1", original: "canary-device-1" },
        ],
      },
    })
  })

  test.each([
    ["", "not-json $"],
    ["\ufeff{}", "not-json $"],
    ['{"user_id":NaN}', "not-json $"],
    [`${login()}\n${login()}`, "not-json $"],
    ["true", "not-an-object $"],
    ["null", "not-an-object $"],
    [`[${login()}]`, "not-an-object $"],
    [JSON.stringify(login()), "not-an-object $"],
    ["[".repeat(100_000) + "]".repeat(100_000), "not-an-object $"],
    [JSON.stringify({ Type: "Notification", Message: login() }), "missing user_id"],
    [login({ ip: undefined, "ip ": "203.0.113.8" }), "missing ip"],
    [login({ ip: undefined, іp: "203.0.113.8" }), "missing ip"],
    [login({ ip: null }), "missing ip"],
    [login({ ip: "" }), "missing ip"],
    [login({ user_id: "" }), "missing user_id"],
    [login({ app_version: "" }), "missing app_version"],
    [login({ user_id: 7 }), "wrong-type user_id"],
    [login({ ip: ["203.0.113.7"] }), "wrong-type ip"],
    [login({ device_type: { a: 1 } }), "wrong-type device_type"],
    [login({ app_version: 2.3 }), "wrong-type app_version"],
    [login({ locale: false }), "wrong-type locale"],
    [login({ locale: "x".repeat(33) }), "too-long locale"],
    [login({ user_id: "😀".repeat(129) }), "too-long user_id"],
    [login({ user_id: "a\0b" }), "not-storable user_id"],
    [login().replace("canary-device-1", "x\\ud800"), "not-storable device_id"],
    [login({ ip: "203.0.113.077" }), "not-an-ip ip"],
    [login({ app_version: "v1" }), "not-a-version app_version"],
    [login({ app_version: "1.1000" }), "out-of-range app_version"],
  ])("says why a body is refused (%#)", (body, verdict) => {
    expect(rejected(body)).toBe(verdict)
  })

  test("counts characters as PostgreSQL does", () => {
    expect(rejected(login({ user_id: "😀".repeat(128) }))).toBe("accepted")
    expect(rejected(login({ user_id: "x".repeat(128) }))).toBe("accepted")
    expect(rejected(login({ user_id: "x".repeat(129) }))).toBe("too-long user_id")
  })

  test("takes the last of duplicate keys", () => {
    const body = login().replace('"ip":', '"ip":"198.51.100.1","ip":')
    expect(decode(body)).toEqual(decode(login()))
  })

  test("a body cannot lend itself fields through its prototype, nor change any prototype", () => {
    expect(
      rejected(login({ ip: undefined }).replace("{", '{"__proto__":{"ip":"203.0.113.66","admin":true},')),
    ).toBe("missing ip")
    expect(({} as Record<string, unknown>)["admin"]).toBeUndefined()
    const inherited = createDecoder({ ...LOGIN, fields: [field("toString"), ...LOGIN.fields] })(login())
    expect(inherited).toEqual({ ok: false, rejection: { reason: "missing", field: "toString" } })
  })

  test("ignores what the shape does not name, however deep", () => {
    const deep = `${login().slice(0, -1)},"x":${'{"a":'.repeat(20_000)}1${"}".repeat(20_001)}`
    expect(decode(deep)).toEqual(decode(login()))
  })

  test("an empty or absent value of a nullable masked field has no token to share with others", () => {
    const nullable = createDecoder({
      ...LOGIN,
      fields: [field("user_id"), field("d", { mask: true, nullable: true })],
    })
    for (const d of ["", null, undefined]) {
      expect(nullable(JSON.stringify({ user_id: "u", d }))).toMatchObject({
        ok: true,
        event: { masked: [null] },
      })
    }
  })

  const typed = (type: EventField["type"], json: string) => {
    const decoded = createDecoder({ ...LOGIN, fields: [field("user_id"), field("x", { type })] })(
      `{"user_id":"u","x":${json}}`,
    )
    return decoded.ok ? decoded.event.plain[1] : decoded.rejection.reason
  }

  test.each([
    ["integer", "42", 42],
    ["integer", "-0", 0],
    ["integer", "9007199254740993", "out-of-range"],
    ["integer", "1e400", "out-of-range"],
    ["integer", "1.5", "wrong-type"],
    ["integer", '"42"', "wrong-type"],
    ["number", "1.5", 1.5],
    ["number", "1e400", "out-of-range"],
    ["number", '"1.5"', "wrong-type"],
    ["boolean", "false", false],
    ["boolean", "0", "wrong-type"],
    ["boolean", '"true"', "wrong-type"],
    ["timestamp", '"2026-02-28T23:59:59.120+02:00"', "2026-02-28T21:59:59.12Z"],
    ["timestamp", '"2026-02-28T23:59:59Z"', "2026-02-28T23:59:59Z"],
    ["timestamp", '"2026-02-28T23:59:59-00:30"', "2026-03-01T00:29:59Z"],
    ["timestamp", '"2026-02-28T23:59:59.000000Z"', "2026-02-28T23:59:59Z"],
    ["timestamp", '"2026-02-28t23:59:59.100200z"', "2026-02-28T23:59:59.1002Z"],
    ["timestamp", '"2026-02-28T23:59:59.001Z"', "2026-02-28T23:59:59.001Z"],
    ["timestamp", '"2026-02-28T23:59:59.0000001Z"', "wrong-type"],
    ["timestamp", '"2026-02-28T23:59:60Z"', "wrong-type"],
    ["timestamp", '"2026-02-28T23:59:59+99:00"', "wrong-type"],
    // In UTC it is in the year 10000, which has no four digits.
    ["timestamp", '"9999-12-31T23:59:59-01:00"', "wrong-type"],
    ["timestamp", '"0000-01-01T00:00:00+01:00"', "wrong-type"],
    ["timestamp", '"at 2026-02-28T23:59:59Z"', "wrong-type"],
    ["timestamp", '"2026-02-28T23:59:59Z or so"', "wrong-type"],
    ["timestamp", '["2026-02-28T23:59:59Z"]', "wrong-type"],
    ["timestamp", '"2026-02-30T00:00:00Z"', "wrong-type"],
    ["timestamp", '"2026-02-28T00:00:00"', "wrong-type"],
    ["timestamp", '"2026-02-28"', "wrong-type"],
    ["timestamp", "1772323199", "wrong-type"],
  ] as const)("reads %s %s", (type, json, expected) => {
    const value = typed(type, json)
    expect(value).toBe(expected)
  })

  test("never throws, whatever the body", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ unit: "binary" }), fc.json()), (body) => {
        expect(typeof decode(body).ok).toBe("boolean")
      }),
      { numRuns: 2_000 },
    )
  })

  test("a rejection never repeats the body", () => {
    const canary = "canary-5521"
    for (const name of ["user_id", "device_type", "ip", "device_id", "locale", "app_version"]) {
      const decoded = decode(login({ [name]: [canary], [canary]: 1 }))
      expect(JSON.stringify(decoded)).not.toContain(canary)
    }
  })
})

test("the canonical text of an original is what was masked", () => {
  const ip = field("ip", { type: "ip", mask: true })
  expect(canonicalText(ip, "2001:DB8::01")).toBe("2001:db8::1")
  expect(canonicalText(ip, "nonsense")).toBeNull()
  expect(canonicalText(field("d", { mask: true }), "42")).toBe("42")
  expect(canonicalText(field("d", { mask: true, nullable: true }), "")).toBeNull()
  expect(canonicalText(field("v", { type: "version", mask: true }), "2.3")).toBe("2003000")
  expect(canonicalText(field("t", { type: "timestamp", mask: true }), "2026-02-28T23:59:59.120Z")).toBe(
    "2026-02-28T23:59:59.12Z",
  )
  expect(canonicalText(field("b", { type: "boolean", mask: true }), "false")).toBe("false")
  expect(canonicalText(field("n", { type: "integer", mask: true }), "42")).toBe("42")
  expect(canonicalText(field("n", { type: "integer", mask: true }), "4 2")).toBeNull()
})
