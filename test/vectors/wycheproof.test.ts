import { existsSync, readFileSync } from "node:fs"
import { resolve } from "node:path"
import { describe, expect, type TestContext, test } from "vitest"
import { deriveKey, hmacSha256 } from "../../src/mask/derive.ts"
import { decrypt, unwrapDataKey } from "../../src/recover/open.ts"
import { encrypt } from "../../src/vault/aes-gcm.ts"
import { ageFile, ageIdentity } from "./age-file.ts"

// The public vectors are kept beside the project and are not ours to copy.
const FOLDER = resolve(import.meta.dirname, "../../../shared/vectors/wycheproof")

interface Case {
  readonly tcId: number
  readonly result: "valid" | "invalid" | "acceptable"
  readonly flags: readonly string[]
  readonly [part: string]: unknown
}

/** Every case of a file, with its group's settings. Skips the test, and says so, when the file is missing. */
function cases(context: TestContext, name: string): Case[] {
  const path = resolve(FOLDER, `${name}_test.json`)
  if (!existsSync(path))
    context.skip(`the Wycheproof vectors are not beside the project: no ${name}_test.json`)
  const file = JSON.parse(readFileSync(path, "utf8")) as { testGroups: (Case & { tests: Case[] })[] }
  return file.testGroups.flatMap(({ tests, ...group }) => tests.map((one) => ({ ...group, ...one })))
}

const bytes = (one: Case, part: string) => new Uint8Array(Buffer.from(one[part] as string, "hex"))
const hex = (data: Uint8Array) => Buffer.from(data).toString("hex")
const report = (text: string) => process.stdout.write(`Wycheproof ${text}\n`)

describe("our functions equal the standards, case by case of Wycheproof", () => {
  test("AES-GCM: 66 of our shape (39 valid, 27 invalid), the other 250 refused for their shape", (context) => {
    const count = { valid: 0, invalid: 0, refusedForShape: 0 }
    for (const one of cases(context, "aes_gcm")) {
      const [key, nonce, data, plaintext] = ["key", "iv", "aad", "msg"].map((part) =>
        bytes(one, part),
      ) as Parts
      const ciphertext = Buffer.concat([bytes(one, "ct"), bytes(one, "tag")])
      if (one["keySize"] !== 256 || one["ivSize"] !== 96 || one["tagSize"] !== 128) {
        expect(() => encrypt(key, nonce, data, plaintext)).toThrow(RangeError)
        expect(() => decrypt(key, nonce, data, ciphertext)).toThrow(RangeError)
        count.refusedForShape++
      } else if (one.result === "valid") {
        expect(hex(encrypt(key, nonce, data, plaintext))).toBe(hex(ciphertext))
        expect(decrypt(key, nonce, data, ciphertext)).toEqual(plaintext)
        count.valid++
      } else {
        expect(decrypt(key, nonce, data, ciphertext)).toBeNull()
        count.invalid++
      }
    }
    report(`AES-GCM ${JSON.stringify(count)}`)
    expect(count).toEqual({ valid: 39, invalid: 27, refusedForShape: 250 })
  })

  test("HMAC-SHA-256: 174 of 174", (context) => {
    const count = { valid: 0, invalid: 0 }
    for (const one of cases(context, "hmac_sha256")) {
      const tag = hex(hmacSha256(bytes(one, "key"), bytes(one, "msg"))).slice(0, Number(one["tagSize"]) / 4)
      expect(tag === one["tag"], `case ${one.tcId}`).toBe(one.result === "valid")
      count[one.result === "valid" ? "valid" : "invalid"]++
    }
    report(`HMAC-SHA-256 ${JSON.stringify(count)}`)
    expect(count).toEqual({ valid: 66, invalid: 108 })
  })

  test("HKDF-SHA-256: 86 of 86", (context) => {
    const count = { valid: 0, invalid: 0 }
    for (const one of cases(context, "hkdf_sha256")) {
      const derive = () =>
        deriveKey(bytes(one, "ikm"), bytes(one, "info"), one["size"] as number, bytes(one, "salt"))
      if (one.result === "valid") {
        expect(hex(derive()), `case ${one.tcId}`).toBe(one["okm"])
        count.valid++
      } else {
        expect(derive, `case ${one.tcId}`).toThrow()
        count.invalid++
      }
    }
    report(`HKDF-SHA-256 ${JSON.stringify(count)}`)
    expect(count).toEqual({ valid: 83, invalid: 3 })
  })

  /**
   * X25519 is age-encryption's, so it is tested where it is used: each case becomes an age
   * file whose file key is wrapped under the expected shared secret. It unwraps only if the
   * library computes that secret. age forbids the all-zero secret, so those must not unwrap.
   */
  test("X25519: 518 of 518, 31 of them refused for their zero secret", async (context) => {
    const count = { agreed: 0, refusedForZeroSecret: 0 }
    const dataKey = new Uint8Array(32).fill(5)
    for (const one of cases(context, "x25519")) {
      const [privateKey, share, secret] = ["private", "public", "shared"].map((part) =>
        bytes(one, part),
      ) as Parts
      const file = ageFile(privateKey, share, secret, dataKey)
      const opened = await unwrapDataKey(file, [ageIdentity(privateKey)])
      if (one.flags.includes("ZeroSharedSecret")) {
        expect(opened, `case ${one.tcId}`).toBeNull()
        count.refusedForZeroSecret++
      } else {
        expect(opened, `case ${one.tcId}`).toEqual(dataKey)
        count.agreed++
      }
    }
    report(`X25519 ${JSON.stringify(count)}`)
    expect(count).toEqual({ agreed: 487, refusedForZeroSecret: 31 })
  })
})

type Parts = [Uint8Array, Uint8Array, Uint8Array, Uint8Array]
