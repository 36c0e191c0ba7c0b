import { expect, test } from "vitest"
import { encrypt } from "../../src/vault/aes-gcm.ts"

const seal = (keyBytes: number, nonceBytes: number) =>
  encrypt(new Uint8Array(keyBytes), new Uint8Array(nonceBytes), new Uint8Array(), new Uint8Array(3))

test("a sealed value is as long as its text and a tag of 16 bytes", () => {
  expect(seal(32, 12)).toHaveLength(3 + 16)
})

test.each([0, 16, 24, 31, 33])("a key of %d bytes is refused, by its length alone", (bytes) => {
  expect(() => seal(bytes, 12)).toThrow(new RangeError(`AES-256 key: ${bytes} bytes instead of 32`))
})

test.each([0, 8, 11, 13, 16])("a nonce of %d bytes is refused, by its length alone", (bytes) => {
  expect(() => seal(32, bytes)).toThrow(new RangeError(`GCM nonce: ${bytes} bytes instead of 12`))
})
