import { createCipheriv, createHmac, createPrivateKey, createPublicKey, hkdfSync } from "node:crypto"

/**
 * An age v1 file for one X25519 recipient, built from the specification on
 * OpenSSL, with the shared secret given instead of computed: whoever opens it
 * has computed the same one.
 *
 * @param share - The sender's ephemeral public key, 32 bytes.
 * @param sharedSecret - 32 bytes.
 * @param content - At most 64 KiB.
 */
export function ageFile(
  privateKey: Uint8Array,
  share: Uint8Array,
  sharedSecret: Uint8Array,
  content: Uint8Array,
): Uint8Array {
  const fileKey = Buffer.alloc(16, 7)
  const salt = Buffer.concat([share, publicKeyOf(privateKey)])
  const wrapKey = hkdf(sharedSecret, salt, "age-encryption.org/v1/X25519")
  const stanza = `-> X25519 ${base64(share)}\n${base64(chaChaPoly(wrapKey, Buffer.alloc(12), fileKey))}\n`
  const header = `age-encryption.org/v1\n${stanza}---`
  const mac = createHmac("sha256", hkdf(fileKey, "", "header"))
    .update(header)
    .digest()
  const nonce = Buffer.alloc(16, 9)
  // The eleven-byte counter of the first chunk is zero; the twelfth byte marks the last chunk.
  const lastChunk = Buffer.concat([Buffer.alloc(11), Buffer.of(1)])
  const payload = chaChaPoly(hkdf(fileKey, nonce, "payload"), lastChunk, content)
  return Buffer.concat([Buffer.from(`${header} ${base64(mac)}\n`), nonce, payload])
}

/** An X25519 private key as an age identity: Bech32 (BIP 173), upper case. */
export function ageIdentity(privateKey: Uint8Array): string {
  const prefix = "age-secret-key-"
  const bits = [...privateKey].map((byte) => byte.toString(2).padStart(8, "0")).join("")
  const data = (bits.match(/.{1,5}/g) ?? []).map((five) => Number.parseInt(five.padEnd(5, "0"), 2))
  const codes = [...prefix].map((character) => character.charCodeAt(0))
  const expanded = [...codes.map((code) => code >> 5), 0, ...codes.map((code) => code & 31)]
  const sum = polymod([...expanded, ...data, 0, 0, 0, 0, 0, 0]) ^ 1
  const checksum = [25, 20, 15, 10, 5, 0].map((shift) => (sum >> shift) & 31)
  const text = [...data, ...checksum].map((five) => "qpzry9x8gf2tvdw0s3jn54khce6mua7l"[five]).join("")
  return `${prefix}1${text}`.toUpperCase()
}

function polymod(values: readonly number[]): number {
  const generators = [0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3]
  let sum = 1
  for (const value of values) {
    const top = sum >> 25
    sum = ((sum & 0x1ffffff) << 5) ^ value
    for (const [bit, generator] of generators.entries()) if ((top >> bit) & 1) sum ^= generator
  }
  return sum
}

function publicKeyOf(privateKey: Uint8Array): Buffer {
  const pkcs8 = Buffer.concat([Buffer.from("302e020100300506032b656e04220420", "hex"), privateKey])
  const key = createPrivateKey({ key: pkcs8, format: "der", type: "pkcs8" })
  return createPublicKey(key).export({ format: "der", type: "spki" }).subarray(-32)
}

function chaChaPoly(key: Uint8Array, nonce: Uint8Array, plaintext: Uint8Array): Buffer {
  const cipher = createCipheriv("chacha20-poly1305", key, nonce, { authTagLength: 16 })
  return Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
}

const hkdf = (key: Uint8Array, salt: Uint8Array | string, info: string) =>
  Buffer.from(hkdfSync("sha256", key, salt, info, 32))
const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64").replaceAll("=", "")
