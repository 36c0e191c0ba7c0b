import { readdirSync, readFileSync } from "node:fs"
import { inspect } from "node:util"
import { Encrypter, generateX25519Identity } from "age-encryption"
import { describe, expect, test } from "vitest"
import { createMaskField } from "../../src/mask/mask.ts"
import type { Token } from "../../src/mask/token.ts"
import {
  decrypt,
  openOriginal,
  openReject,
  type TokenOf,
  tokenAgrees,
  unwrapDataKey,
} from "../../src/recover/open.ts"
import type { SealedOriginal } from "../../src/sink/sink.ts"
import { encrypt } from "../../src/vault/aes-gcm.ts"
import { associatedData } from "../../src/vault/context.ts"
import { createDataKey } from "../../src/vault/data-key.ts"
import { seal } from "../../src/vault/seal.ts"
import { createIdentity } from "../vault/keys.ts"

const TABLE = "user_logins"
const { identity, recipient } = await createIdentity()
const dataKey = await createDataKey([recipient])
const key = (await unwrapDataKey(dataKey.wrapped, [identity])) as Uint8Array

const maskKey = { id: "k1", bytes: new Uint8Array(32).map((_, index) => index + 1) }
const maskIp = createMaskField(maskKey, TABLE, "ip")

function sealed(value: string, token: Token = maskIp(value)): SealedOriginal {
  const row = { subject: "u-1", field: "ip", token }
  return {
    ...row,
    dataKeyId: dataKey.id,
    sealed: seal(dataKey, { kind: "original", table: TABLE, ...row }, value),
  }
}

describe("unwrapping a data key", () => {
  test("tries every identity until one fits", async () => {
    const stranger = await generateX25519Identity()
    expect(await unwrapDataKey(dataKey.wrapped, [stranger, identity])).toEqual(key)
    expect(await unwrapDataKey(dataKey.wrapped, [stranger])).toBeNull()
  })

  test("without an identity is wrong use, not a failure to unwrap", async () => {
    await expect(unwrapDataKey(dataKey.wrapped, [])).rejects.toThrow("no identity")
  })

  test("with something that is no identity is wrong use, and the error quotes none of it", async () => {
    const broken = identity.replace(/.$/, (last) => (last === "Q" ? "P" : "Q"))
    for (const text of [broken, `${identity} `, "AGE-SECRET-KEY-1", "hunter2"]) {
      const error: unknown = await unwrapDataKey(dataKey.wrapped, [text]).catch((thrown: unknown) => thrown)
      expect(error).toBeInstanceOf(RangeError)
      expect(inspect(error, { depth: 9 })).not.toContain(text.trim().slice(-12))
    }
  })

  test("of an age file with anything but 32 bytes in it gives nothing", async () => {
    for (const length of [0, 31, 33]) {
      const encrypter = new Encrypter()
      encrypter.addRecipient(recipient)
      const wrapped = await encrypter.encrypt(new Uint8Array(length))
      expect(await unwrapDataKey(wrapped, [identity]), `${length}`).toBeNull()
    }
  })

  test("of anything that is no age file gives nothing", async () => {
    for (const bytes of [
      new Uint8Array(),
      new Uint8Array(300),
      Buffer.from("age-encryption.org/v1\n"),
      key,
    ]) {
      expect(await unwrapDataKey(bytes, [identity])).toBeNull()
    }
  })

  test("bit by bit: a damaged wrapping gives nothing, or the very same key", async () => {
    const results = new Set<string>()
    for (let at = 0; at < dataKey.wrapped.length; at++) {
      const damaged = dataKey.wrapped.slice()
      damaged[at] = (damaged[at] ?? 0) ^ (1 << (at % 8))
      const opened = await unwrapDataKey(damaged, [identity])
      results.add(opened === null ? "nothing" : Buffer.from(opened).equals(key) ? "same" : "another")
    }
    expect([...results]).toEqual(["nothing"])
  })
})

describe("opening", () => {
  test("gives the text exactly, a leading byte order mark included", () => {
    for (const value of ["", "203.0.113.9", "\ufeff\ufeffx", "a\0b", "\u{10ffff}"]) {
      expect(openOriginal(key, TABLE, sealed(value))).toBe(value)
    }
  })

  test("never releases a byte of what is not authentic", () => {
    const row = sealed("203.0.113.9")
    const damaged = row.sealed.slice()
    damaged[20] = (damaged[20] ?? 0) ^ 1
    expect(decrypt(key, damaged.slice(1, 13), new Uint8Array(), damaged.slice(13))).toBeNull()
    expect(decrypt(key, damaged.slice(1, 13), new Uint8Array(), damaged.slice(-15))).toBeNull()
    expect(openOriginal(key, TABLE, { ...row, sealed: damaged })).toBeNull()
  })

  test("opens no other version of the format, and nothing that is too short to be sealed", () => {
    const row = sealed("")
    expect(openOriginal(key, TABLE, row)).toBe("")
    const later = row.sealed.slice()
    later[0] = 2
    expect(openOriginal(key, TABLE, { ...row, sealed: later })).toBeNull()
    for (let length = 0; length < row.sealed.length; length++) {
      expect(
        openOriginal(key, TABLE, { ...row, sealed: row.sealed.slice(0, length) }),
        `${length}`,
      ).toBeNull()
    }
  })

  test("opens nothing under the id of another data key, although the key fits", () => {
    const row = sealed("203.0.113.9")
    const otherId = Uint8Array.from(row.dataKeyId, (byte) => byte ^ 1)
    const { subject, field, token } = row
    const context = { kind: "original", table: TABLE, subject, field, token } as const
    const nonce = row.sealed.slice(1, 13)
    const ciphertext = encrypt(key, nonce, associatedData(context, otherId), Buffer.from("203.0.113.9"))
    const forged = Buffer.concat([Buffer.of(1), nonce, ciphertext])
    expect(openOriginal(key, TABLE, { ...row, dataKeyId: otherId, sealed: forged })).toBeNull()
  })

  test("gives nothing for bytes that are no text, rather than another text", () => {
    const row = sealed("203.0.113.9")
    const { subject, field, token, dataKeyId: id } = row
    const context = { kind: "original", table: TABLE, subject, field, token } as const
    const nonce = row.sealed.slice(1, 13)
    const ciphertext = encrypt(key, nonce, associatedData(context, id), Uint8Array.of(0x41, 0xff))
    expect(
      openOriginal(key, TABLE, { ...row, sealed: Buffer.concat([Buffer.of(1), nonce, ciphertext]) }),
    ).toBeNull()
  })

  test("with a key of another length is wrong use", () => {
    for (const length of [31, 33]) {
      expect(() => openOriginal(new Uint8Array(length), TABLE, sealed("a"))).toThrow(
        `data key: ${length} bytes`,
      )
    }
    expect(() => decrypt(key, new Uint8Array(11), new Uint8Array(), new Uint8Array(16))).toThrow(RangeError)
  })

  test("does not change what it is given", () => {
    const row = sealed("203.0.113.9")
    const before = [Buffer.from(row.sealed).toString("hex"), Buffer.from(key).toString("hex")]
    openOriginal(key, TABLE, row)
    expect([Buffer.from(row.sealed).toString("hex"), Buffer.from(key).toString("hex")]).toEqual(before)
  })

  test("takes Buffers, as the database gives them, at any alignment", () => {
    const row = sealed("203.0.113.9")
    const shifted = Buffer.concat([Buffer.of(0), row.sealed]).subarray(1)
    const id = Buffer.concat([Buffer.of(0, 0, 0), row.dataKeyId]).subarray(3)
    expect(openOriginal(Buffer.from(key), TABLE, { ...row, dataKeyId: id, sealed: shifted })).toBe(
      "203.0.113.9",
    )
  })

  test("a reject does not open as an original, nor the other way round", () => {
    const context = { kind: "reject", messageId: TABLE, sentAtMs: 5, reason: "ip", field: "t" } as const
    const reject = seal(dataKey, context, "{}")
    const row = { subject: "5", field: "ip", token: "t" as Token, dataKeyId: dataKey.id, sealed: reject }
    expect(openOriginal(key, TABLE, row)).toBeNull()
    expect(openReject(key, { ...context, dataKeyId: dataKey.id, sealed: reject })).toBe("{}")
  })
})

describe("recomputing the token", () => {
  const tokenOf: TokenOf = (keyId, field, original) =>
    keyId === maskKey.id && field === "ip" ? maskIp(original) : null

  test("agrees with the row that the original was sealed for", () => {
    const row = sealed("203.0.113.9")
    expect(tokenAgrees(row, openOriginal(key, TABLE, row) ?? "", tokenOf)).toBe(true)
  })

  test("flags an original sealed under the token of another", () => {
    const forged = sealed("203.0.113.9", maskIp("198.51.100.7"))
    expect(openOriginal(key, TABLE, forged)).toBe("203.0.113.9")
    expect(tokenAgrees(forged, "203.0.113.9", tokenOf)).toBe(false)
  })

  test("cannot tell without the mask key", () => {
    const row = sealed("203.0.113.9", `k2:${"0".repeat(64)}` as Token)
    expect(tokenAgrees(row, "203.0.113.9", tokenOf)).toBeNull()
  })
})

test("the writer's side has nothing that opens: no decryption is imported under vault/", () => {
  const folder = new URL("../../src/vault/", import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith(".ts"))
  expect(files.length).toBeGreaterThan(5)
  for (const name of files) {
    expect(readFileSync(new URL(name, folder), "utf8"), name).not.toMatch(
      /Decrypter|createDecipher|\.decrypt\(|\/recover\//,
    )
  }
})
