import { randomBytes } from "node:crypto"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import type { Token } from "../../src/mask/token.ts"
import { decrypt, openOriginal, openReject } from "../../src/recover/open.ts"
import type { SealedOriginal } from "../../src/sink/sink.ts"
import { associatedData, type OriginalContext } from "../../src/vault/context.ts"
import { seal } from "../../src/vault/seal.ts"
import { createKeyPair, knownDataKey } from "./keys.ts"
import { referenceSeal } from "./reference.ts"
import { twoKeyCiphertext } from "./two-key.ts"

/** Set it for the long forms: 1,000 rows instead of 100, 100 two-key ciphertexts instead of 20, 10^6 seals instead of 20,000. */
const LONG = process.env["PEPPERMILL_TEST_LONG"] === "1"

const TABLE = "user_logins"
const { dataKey, unwrapped } = await createKeyPair()
const other = await createKeyPair()

const tokenOf = (index: number) => `k1:${index.toString(16).padStart(64, "0")}` as Token

function sealRow(index: number, value: string, key = dataKey): SealedOriginal {
  const row = { subject: `u-${index}`, field: index % 2 === 0 ? "ip" : "device_id", token: tokenOf(index) }
  const sealed = seal(key, { kind: "original", table: TABLE, ...row }, value)
  return { ...row, dataKeyId: key.id, sealed }
}

describe("a sealed value", () => {
  test("opens in its own row, and is 29 bytes longer than the text", () => {
    const row = sealRow(1, "203.0.113.9")
    expect(row.sealed.length).toBe("203.0.113.9".length + 29)
    expect(openOriginal(unwrapped, TABLE, row)).toBe("203.0.113.9")
  })

  test("opens in no other row, table, field or under another key", () => {
    const row = sealRow(2, "203.0.113.9")
    expect(openOriginal(unwrapped, "logins", row)).toBeNull()
    for (const change of [
      { subject: "u-3" },
      { field: "device_id" },
      { token: tokenOf(3) },
      { dataKeyId: other.dataKey.id },
      { sealed: sealRow(4, "203.0.113.9").sealed },
    ]) {
      expect(openOriginal(unwrapped, TABLE, { ...row, ...change })).toBeNull()
    }
    expect(openOriginal(other.unwrapped, TABLE, row)).toBeNull()
    expect(openOriginal(other.unwrapped, TABLE, { ...row, dataKeyId: other.dataKey.id })).toBeNull()
  })

  test("differs each time, although the value is the same", () => {
    expect(sealRow(5, "same").sealed).not.toEqual(sealRow(5, "same").sealed)
  })

  test("is refused for text that UTF-8 cannot tell from other text", () => {
    expect(() => sealRow(6, "a\ud800")).toThrow(new RangeError("text with a lone surrogate has no UTF-8"))
    const context = {
      kind: "original",
      table: TABLE,
      subject: "\udc00",
      field: "ip",
      token: tokenOf(6),
    } as const
    expect(() => seal(dataKey, context, "a")).toThrow(RangeError)
  })

  test("is refused for a reject sent at a fraction of a millisecond, which the database would not keep", () => {
    const context = { kind: "reject", messageId: "m", sentAtMs: 1.5, reason: "missing", field: "ip" } as const
    expect(() => seal(dataKey, context, "{}")).toThrow("whole number")
  })

  test("cannot be opened with a key of another length: that is wrong use", () => {
    expect(() => openOriginal(unwrapped.slice(1), TABLE, sealRow(7, "a"))).toThrow("31 bytes instead of 32")
  })

  test("comes back exactly: all of Unicode, any subject and field, original or reject", () => {
    const text = fc.string({ unit: "binary", maxLength: 300 }).filter((value) => value.isWellFormed())
    fc.assert(
      fc.property(text, text, text, text, fc.maxSafeNat(), (value, subject, field, messageId, sentAtMs) => {
        const row = { subject, field, token: tokenOf(sentAtMs), dataKeyId: dataKey.id }
        const original = seal(dataKey, { kind: "original", table: TABLE, ...row }, value)
        expect(openOriginal(unwrapped, TABLE, { ...row, sealed: original })).toBe(value)
        const reject = { messageId, sentAtMs, reason: "wrong-type", field, dataKeyId: dataKey.id }
        const sealed = seal(dataKey, { kind: "reject", ...reject }, value)
        expect(openReject(unwrapped, { ...reject, sealed })).toBe(value)
      }),
      { numRuns: LONG ? 10_000 : 1_000 },
    )
  })

  test("whatever opens has one spelling: sealing it again with its nonce gives its bytes", () => {
    const key = randomBytes(32)
    const known = knownDataKey(key)
    const mutate = fc.record({
      at: fc.nat(),
      bits: fc.integer({ min: 0, max: 255 }),
      cut: fc.nat({ max: 2 }),
    })
    fc.assert(
      fc.property(fc.string({ unit: "grapheme" }), mutate, (value, { at, bits, cut }) => {
        const row = sealRow(8, value, known)
        const sealed = row.sealed.slice(0, row.sealed.length - cut)
        sealed[at % sealed.length] = (sealed[at % sealed.length] ?? 0) ^ bits
        const opened = openOriginal(key, TABLE, { ...row, sealed })
        if (opened === null) return
        const items = [TABLE, row.subject, row.field, row.token]
        const nonce = hex(sealed.slice(1, 13))
        expect(referenceSeal(hex(key), "original", items, nonce, opened).sealed).toBe(hex(sealed))
      }),
    )
  })
})

describe("tampering", () => {
  const rows = Array.from({ length: LONG ? 1_000 : 100 }, (_, index) => sealRow(index, `device-${index}`))

  test("every single flipped bit is noticed", () => {
    let accepted = 0
    let tried = 0
    for (const row of rows) {
      for (let bit = 0; bit < row.sealed.length * 8; bit++) {
        const sealed = flipped(row.sealed, bit)
        tried++
        if (openOriginal(unwrapped, TABLE, { ...row, sealed }) !== null) accepted++
      }
      for (let bit = 0; bit < 128; bit++) {
        tried++
        const dataKeyId = flipped(row.dataKeyId, bit)
        if (openOriginal(unwrapped, TABLE, { ...row, dataKeyId }) !== null) accepted++
      }
    }
    expect({ accepted, many: tried > rows.length * 400 }).toEqual({ accepted: 0, many: true })
  }, 300_000)

  test("a tag cut to 4..15 bytes, or lengthened, is noticed", () => {
    for (const row of rows) {
      for (let bytes = 4; bytes < 16; bytes++) {
        const sealed = row.sealed.slice(0, bytes - 16)
        expect(openOriginal(unwrapped, TABLE, { ...row, sealed })).toBeNull()
      }
      expect(
        openOriginal(unwrapped, TABLE, { ...row, sealed: Buffer.concat([row.sealed, Buffer.of(0)]) }),
      ).toBeNull()
    }
  })

  test("values swapped between any two rows, subjects, fields or tokens are noticed", () => {
    for (const [index, row] of rows.entries()) {
      const next = rows[(index + 1) % rows.length] as SealedOriginal
      for (const part of ["sealed", "subject", "field", "token"] as const) {
        expect(openOriginal(unwrapped, TABLE, { ...row, [part]: next[part] })).toBeNull()
      }
    }
  })

  test("a ciphertext authentic under two keys opens only under the one its row names", () => {
    for (let attempt = 0; attempt < (LONG ? 100 : 20); attempt++) {
      const key = new Uint8Array(randomBytes(32))
      const intruder = new Uint8Array(randomBytes(32))
      const row = { subject: `u-${attempt}`, field: "ip", token: tokenOf(attempt) }
      const context: OriginalContext = { kind: "original", table: TABLE, ...row }
      const { id } = knownDataKey(key)
      const { id: intruderId } = knownDataKey(intruder)
      const nonce = new Uint8Array(randomBytes(12))
      const ciphertext = twoKeyCiphertext([key, intruder], nonce, associatedData(context, id))
      // GCM itself takes it for authentic under both keys: that is the attack.
      expect(decrypt(key, nonce, associatedData(context, id), ciphertext)).toHaveLength(32)
      const text = decrypt(intruder, nonce, associatedData(context, id), ciphertext)
      expect(text?.every((byte) => byte < 0x80)).toBe(true)
      const sealed = Buffer.concat([Buffer.of(1), nonce, ciphertext])
      expect(openOriginal(intruder, TABLE, { ...row, dataKeyId: id, sealed })).toBeNull()
      // Naming the intruder's key in the row does not help: the id is bound too.
      expect(openOriginal(intruder, TABLE, { ...row, dataKeyId: intruderId, sealed })).toBeNull()
      expect(decrypt(intruder, nonce, associatedData(context, intruderId), ciphertext)).toBeNull()
    }
  }, 300_000)
})

test("nonces never repeat", async () => {
  const { dataKey: key } = await createKeyPair()
  const count = LONG ? 1_000_000 : 20_000
  const seen = new Set<string>()
  for (let index = 0; index < count; index++) seen.add(hex(sealRow(index, "", key).sealed.slice(1, 13)))
  expect(seen.size).toBe(count)
  expect(key.seals).toBe(count)
}, 300_000)

test("a data key makes 2^20 seals, and no more", async () => {
  const { dataKey: key } = await createKeyPair()
  const nothing = new Uint8Array()
  for (let seal = 0; seal < 2 ** 20; seal++) key.encrypt(nothing, nothing)
  expect(() => key.encrypt(nothing, nothing)).toThrow("this data key has made its 1048576 seals")
  expect(key.seals).toBe(2 ** 20)
}, 300_000)

function flipped(bytes: Uint8Array, bit: number): Uint8Array {
  const copy = bytes.slice()
  copy[bit >> 3] = (copy[bit >> 3] ?? 0) ^ (1 << (bit & 7))
  return copy
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("hex")
}
