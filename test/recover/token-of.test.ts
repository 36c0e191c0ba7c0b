import { expect, test } from "vitest"
import { createMaskField } from "../../src/mask/mask.ts"
import { createTokenOf } from "../../src/recover/token-of.ts"
import { LOGIN } from "../shape.ts"
import { MASK_KEY } from "./setup.ts"

const OTHER_KEY = { id: "k2", bytes: new Uint8Array(32).map((_, index) => 100 + index) }
const tokenOf = createTokenOf([MASK_KEY, OTHER_KEY], LOGIN)

test("a token is made under the key and in the field that are named, of the canonical value", () => {
  for (const key of [MASK_KEY, OTHER_KEY]) {
    const ip = createMaskField(key, LOGIN.table, "ip")("203.0.113.9")
    expect(tokenOf(key.id, "ip", "203.0.113.9")).toBe(ip)
    expect(tokenOf(key.id, "ip", "::ffff:203.0.113.9")).toBe(ip)
    expect(tokenOf(key.id, "device_id", "203.0.113.9")).not.toBe(ip)
  }
})

test("there is no token under an unknown key, of a field that is not masked, of a value that is none", () => {
  expect(tokenOf("k3", "ip", "203.0.113.9")).toBeNull()
  expect(tokenOf("k1", "user_id", "203.0.113.9")).toBeNull()
  expect(tokenOf("k1", "no such field", "203.0.113.9")).toBeNull()
  expect(tokenOf("k1", "ip", "no address")).toBeNull()
})
