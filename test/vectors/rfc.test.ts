import { describe, expect, test } from "vitest"
import { createHmac, deriveKey, hmacSha256 } from "../../src/mask/derive.ts"

const hex = (digits: string) => new Uint8Array(Buffer.from(digits.replaceAll(" ", ""), "hex"))
const text = (data: Uint8Array) => Buffer.from(data).toString("hex")
const ascii = (data: string) => new Uint8Array(Buffer.from(data))
const range = (from: number, count: number) => Uint8Array.from({ length: count }, (_, index) => from + index)
const repeat = (byte: number, count: number) => new Uint8Array(count).fill(byte)

describe("HMAC-SHA-256 as in RFC 4231", () => {
  test.each([
    [
      1,
      repeat(0x0b, 20),
      ascii("Hi There"),
      "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
    ],
    [
      2,
      ascii("Jefe"),
      ascii("what do ya want for nothing?"),
      "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
    ],
    [
      3,
      repeat(0xaa, 20),
      repeat(0xdd, 50),
      "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
    ],
    [4, range(1, 25), repeat(0xcd, 50), "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"],
    [5, repeat(0x0c, 20), ascii("Test With Truncation"), "a3b6167473100ee06e0c796c2955552b"],
    [
      6,
      repeat(0xaa, 131),
      ascii("Test Using Larger Than Block-Size Key - Hash Key First"),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
    ],
    [
      7,
      repeat(0xaa, 131),
      ascii(
        "This is a test using a larger than block-size key and a larger than block-size data. The key needs to be hashed before being used by the HMAC algorithm.",
      ),
      "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
    ],
  ])("test case %i", (_, key, data, mac) => {
    expect(text(hmacSha256(key, data)).slice(0, mac.length)).toBe(mac)
    const keyed = createHmac(key)
    const whole = text(hmacSha256(key, data))
    expect([keyed(data), keyed(data)]).toEqual([whole, whole])
  })
})

describe("HKDF-SHA-256 as in RFC 5869", () => {
  test("test case 1", () => {
    expect(text(deriveKey(repeat(0x0b, 22), range(0xf0, 10), 42, range(0, 13)))).toBe(
      "3cb25f25faacd57a90434f64d0362f2a2d2d0a90cf1a5a4c5db02d56ecc4c5bf34007208d5b887185865",
    )
  })

  test("test case 2: longer inputs and outputs", () => {
    expect(text(deriveKey(range(0, 80), range(0xb0, 80), 82, range(0x60, 80)))).toBe(
      text(
        hex(
          `b11e398dc80327a1c8e7f78c596a49344f012eda2d4efad8a050cc4c19afa97c 59045a99cac7827271cb41c65e590e09
             da3275600c2f09b8367793a9aca3db71 cc30c58179ec3e87c14c01d5c1f3434f1d87`.replaceAll(/\s/g, ""),
        ),
      ),
    )
  })

  test("test case 3: neither salt nor info", () => {
    const okm = "8da4e775a563c18f715f802a063c5a31b8a11f5c5ee1879ec3454e5f3c738d2d9d201395faa4b61a96c8"
    expect(text(deriveKey(repeat(0x0b, 22), new Uint8Array(), 42))).toBe(okm)
    expect(text(deriveKey(repeat(0x0b, 22), new Uint8Array(), 42, new Uint8Array()))).toBe(okm)
  })
})
