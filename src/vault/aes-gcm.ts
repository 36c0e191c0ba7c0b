import { createCipheriv } from "node:crypto"

export const KEY_BYTES = 32
export const NONCE_BYTES = 12
export const TAG_BYTES = 16

/**
 * AES-256-GCM (NIST SP 800-38D) in the one shape the vault uses: 256-bit key,
 * 96-bit nonce, 128-bit tag.
 *
 * OpenSSL's, at a fifth of what noble takes; `recover` opens with noble's, so
 * that each checks the other.
 *
 * @param nonce - Never used before under this key.
 * @returns ciphertext ‖ tag: 16 bytes more than the plaintext.
 * @throws RangeError for a key or a nonce of another length.
 */
export function encrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  associatedData: Uint8Array,
  plaintext: Uint8Array,
): Uint8Array {
  requireShape(key, nonce)
  const cipher = createCipheriv("aes-256-gcm", key, nonce, { authTagLength: TAG_BYTES })
  const ciphertext = cipher.setAAD(associatedData).update(plaintext)
  // Final in GCM gives no bytes, but makes the tag.
  cipher.final()
  return Buffer.concat([ciphertext, cipher.getAuthTag()])
}

/** @throws RangeError unless key and nonce have the lengths of this format. */
export function requireShape(key: Uint8Array, nonce: Uint8Array): void {
  if (key.length !== KEY_BYTES) throw new RangeError(`AES-256 key: ${key.length} bytes instead of 32`)
  if (nonce.length !== NONCE_BYTES) throw new RangeError(`GCM nonce: ${nonce.length} bytes instead of 12`)
}
