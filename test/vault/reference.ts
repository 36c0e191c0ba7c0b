import { createCipheriv, createDecipheriv, hkdfSync } from "node:crypto"

/** A row, as VAULT-FORMAT.md names its parts: the items that are bound to the sealed value, in order. */
export interface ReferenceRow {
  readonly kind: "original" | "reject"
  /** original: table, subject, field, token. reject: message id, sent at (ms), reason, field. */
  readonly items: readonly string[]
  readonly dataKeyId: string
  readonly sealed: string
}

export type ReferenceResult =
  | { readonly value: string }
  | { readonly refused: "key-id" | "version" | "short" | "tag" | "utf8" }

/**
 * VAULT-FORMAT.md once more, written from the page alone on OpenSSL: it shares no
 * code and no library with src. Binary values are hex here.
 */
export function referenceSeal(
  key: string,
  kind: ReferenceRow["kind"],
  items: readonly string[],
  nonce: string,
  value: string | Buffer,
) {
  const dataKeyId = referenceKeyId(key)
  const cipher = createCipheriv("aes-256-gcm", hex(key), hex(nonce), { authTagLength: 16 })
  cipher.setAAD(bound(kind, items, dataKeyId))
  const ciphertext = Buffer.concat([cipher.update(value as Buffer), cipher.final()])
  const sealed = Buffer.concat([Buffer.of(1), hex(nonce), ciphertext, cipher.getAuthTag()])
  return { kind, items, dataKeyId, sealed: sealed.toString("hex") }
}

export function referenceOpen(key: string, row: ReferenceRow): ReferenceResult {
  if (row.dataKeyId !== referenceKeyId(key)) return { refused: "key-id" }
  const sealed = hex(row.sealed)
  if (sealed.length < 29) return { refused: "short" }
  if (sealed[0] !== 1) return { refused: "version" }
  const decipher = createDecipheriv("aes-256-gcm", hex(key), sealed.subarray(1, 13), { authTagLength: 16 })
  decipher.setAAD(bound(row.kind, row.items, row.dataKeyId))
  decipher.setAuthTag(sealed.subarray(-16))
  let bytes: Buffer
  try {
    bytes = Buffer.concat([decipher.update(sealed.subarray(13, -16)), decipher.final()])
  } catch {
    return { refused: "tag" }
  }
  const value = bytes.toString("utf8")
  return Buffer.from(value).equals(bytes) ? { value } : { refused: "utf8" }
}

export function referenceKeyId(key: string): string {
  return Buffer.from(hkdfSync("sha256", hex(key), "", "peppermill/data-key-id/v1", 16)).toString("hex")
}

function bound(kind: ReferenceRow["kind"], items: readonly string[], dataKeyId: string): Buffer {
  const parts = [`peppermill/${kind}/v1`, ...items].map((item) => Buffer.from(item))
  return Buffer.concat(
    [...parts, hex(dataKeyId)].flatMap((part) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      return [length, part]
    }),
  )
}

const hex = (digits: string) => Buffer.from(digits, "hex")
