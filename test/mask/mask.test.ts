import { createHmac, hkdfSync } from "node:crypto"
import { describe, expect, test } from "vitest"
import { createMask, createMaskField } from "../../src/mask/mask.ts"
import { checkValue, parseMaskKeys } from "../../src/mask/mask-keys.ts"
import { isToken } from "../../src/mask/token.ts"
import { LOGIN } from "../shape.ts"

const HEX = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
const KEY = parseMaskKeys({ k1: HEX }, "k1").active

/** The same by another implementation, straight from the definition. */
function independentToken(table: string, field: string, text: string): string {
  const info = Buffer.concat(
    ["peppermill/mask/v1", table, field].flatMap((part, i) => [
      Buffer.from(i === 0 ? "" : "\0"),
      Buffer.from(part),
    ]),
  )
  const key = Buffer.from(hkdfSync("sha256", Buffer.from(HEX, "hex"), Buffer.alloc(0), info, 32))
  return `k1:${createHmac("sha256", key).update(text, "utf8").digest("hex")}`
}

// Frozen: a change here is a change of every token ever stored.
const GOLDEN: readonly (readonly [field: string, text: string])[] = [
  ["ip", "203.0.113.9"],
  ["ip", "0.0.0.0"],
  ["ip", "255.255.255.255"],
  ["ip", "127.0.0.1"],
  ["ip", "2001:db8::1"],
  ["ip", "::"],
  ["ip", "fe80::1"],
  ["ip", "64:ff9b::c000:221"],
  ["ip", "198.51.100.23"],
  ["ip", "192.0.2.1"],
  ["device_id", "203.0.113.9"],
  ["device_id", "device-1"],
  ["device_id", "Device-1"],
  ["device_id", " device-1"],
  ["device_id", "x"],
  ["device_id", "é"],
  ["device_id", "é"],
  ["device_id", "😀"],
  ["device_id", "a".repeat(256)],
  ["device_id", "\u0001\u001b[0m"],
]

describe("the token of a field", () => {
  test.each(GOLDEN)("of %s %j is frozen, and as the definition says", (field, text) => {
    const token = createMaskField(KEY, "user_logins", field)(text)
    expect(token).toBe(independentToken("user_logins", field, text))
    expect(isToken(token)).toBe(true)
    expect(token).toMatchSnapshot()
  })

  test("differs for another field, table, key and text, and is the same again for the same", () => {
    const other = parseMaskKeys({ k1: HEX.replace("00", "01") }, "k1").active
    const tokens = [
      createMaskField(KEY, "user_logins", "ip")("x"),
      createMaskField(KEY, "user_logins", "device_id")("x"),
      createMaskField(KEY, "signups", "ip")("x"),
      createMaskField(other, "user_logins", "ip")("x"),
      createMaskField(KEY, "user_logins", "ip")("y"),
      createMaskField(KEY, "user_loginsi", "p")("x"),
    ]
    expect(new Set(tokens).size).toBe(tokens.length)
    const mask = createMaskField(KEY, "user_logins", "ip")
    expect([mask("x"), mask("y"), mask("x")]).toEqual([tokens[0], tokens[4], tokens[0]])
  })

  test("of an event stands in the shape's order, null where there is no value", () => {
    const mask = createMask(KEY, LOGIN)
    const clear = { canonical: "x", original: "X" }
    expect(mask({ subject: "u", plain: [], masked: [clear, null] })).toEqual([
      createMaskField(KEY, "user_logins", "ip")("x"),
      null,
    ])
  })
})

describe("a mask key", () => {
  test.each([
    ["", "is empty"],
    ["0101010101010101", "has 16 hex digits, not 64"],
    ["changeme", "has characters other than hex digits"],
    ["-_".repeat(21), "has characters other than hex digits"],
    [`${HEX}\n`, "has characters other than hex digits"],
    [`${HEX}00`, "has 66 hex digits, not 64"],
    ["a".repeat(64), "repeats one byte"],
  ])("is refused when it %#", (text, why) => {
    expect(() => parseMaskKeys({ k1: text }, "k1")).toThrow(`masking.keys.k1: the key ${why}`)
    expect(() => parseMaskKeys({ k1: text }, "k1")).toThrow(
      expect.objectContaining({ kind: "config", hint: expect.stringContaining("peppermill keys new") }),
    )
  })

  test("is refused when it stands under two names, or serves another purpose", () => {
    expect(() => parseMaskKeys({ k1: HEX, k2: HEX.toUpperCase() }, "k1")).toThrow(
      "k2: the key is the same key as k1",
    )
    expect(() => parseMaskKeys({ k1: HEX }, "k1", ["other", HEX.toUpperCase()])).toThrow(
      "used for another purpose",
    )
    expect(parseMaskKeys({ k1: HEX }, "k1", ["other"]).active.id).toBe("k1")
  })

  test("is not told by the error that refuses it", () => {
    const text = `${HEX.slice(2)}zz`
    try {
      parseMaskKeys({ k1: text }, "k1")
      expect.unreachable()
    } catch (error) {
      expect(String(error)).not.toContain(text.slice(0, 8))
    }
  })

  test("must be there to be active, and comes first among the live ones", () => {
    const two = { k1: HEX, k2: HEX.replace("00", "ff") }
    expect(parseMaskKeys(two, "k2").live.map((key) => key.id)).toEqual(["k2", "k1"])
    expect(() => parseMaskKeys(two, "k3")).toThrow(
      expect.objectContaining({
        kind: "config",
        message: expect.stringContaining("there is no key k3"),
        hint: "name one of the keys under masking.keys",
      }),
    )
  })

  test("has a check value that differs by key and by name", () => {
    const { live } = parseMaskKeys({ k1: HEX, k2: HEX.replace("00", "ff") }, "k1")
    // Frozen: every database remembers it. By another implementation, straight from the definition.
    const checkKey = hkdfSync("sha256", Buffer.from(HEX, "hex"), "", "peppermill/key-check/v1", 32)
    expect(checkValue(KEY)).toBe(createHmac("sha256", Buffer.from(checkKey)).update("k1").digest("hex"))
    expect(checkValue(KEY)).toMatch(/^[0-9a-f]{64}$/)
    expect(new Set([...live, { id: "k9", bytes: KEY.bytes }].map(checkValue)).size).toBe(3)
  })
})
