import { gcm } from "@noble/ciphers/aes.js"
import { Decrypter } from "age-encryption"
import type { SealedOriginal, SealedReject } from "../sink/sink.ts"
import { KEY_BYTES, NONCE_BYTES, requireShape, TAG_BYTES } from "../vault/aes-gcm.ts"
import { associatedData, type Context } from "../vault/context.ts"
import { dataKeyId } from "../vault/data-key.ts"
import { FORMAT_VERSION } from "../vault/seal.ts"

/**
 * Unwrap a data key with whichever identity fits.
 *
 * @param wrapped - An age file, as `vault.data_keys` keeps it.
 * @param identities - As `parseIdentities` gives them.
 * @returns The 32 bytes, or null when no identity fits, the file is damaged, or
 * its content is no data key.
 * @throws RangeError when there is no identity, or one of them is none.
 */
export async function unwrapDataKey(
  wrapped: Uint8Array,
  identities: readonly string[],
): Promise<Uint8Array | null> {
  if (identities.length === 0) throw new RangeError("no identity to unwrap with")
  const decrypter = new Decrypter()
  for (const identity of identities) {
    try {
      decrypter.addIdentity(identity)
    } catch {
      // The library's message quotes the text, which is or almost is a private key.
      throw new RangeError("not an age identity")
    }
  }
  try {
    const key = await decrypter.decrypt(wrapped)
    return key.length === KEY_BYTES ? key : null
  } catch {
    return null
  }
}

/**
 * Open a row of the vault.
 *
 * @param dataKey - 32 bytes, from {@link unwrapDataKey}.
 * @param table - The event's table, as it was configured when the row was sealed.
 * @returns The original exactly as it came, or null when anything is wrong: another key, a
 * changed row, a changed byte. GCM cannot say which, so neither do we.
 * @throws RangeError for a data key that has not 32 bytes.
 */
export function openOriginal(dataKey: Uint8Array, table: string, row: SealedOriginal): string | null {
  const { subject, field, token, dataKeyId: id, sealed } = row
  return open(dataKey, id, { kind: "original", table, subject, field, token }, sealed)
}

/** Open a quarantined body, under the terms of {@link openOriginal}. */
export function openReject(dataKey: Uint8Array, row: Omit<SealedReject, "shape">): string | null {
  const { messageId, sentAtMs, reason, field, dataKeyId: id, sealed } = row
  return open(dataKey, id, { kind: "reject", messageId, sentAtMs, reason, field }, sealed)
}

/** The token of a field's original under the mask key with this id; null when that key is not at hand. */
export type TokenOf = (keyId: string, field: string, original: string) => string | null

/**
 * Recompute the token of an opened original: the last proof that row and original belong together.
 *
 * @returns Whether they do, or null when its mask key is not at hand.
 */
export function tokenAgrees(row: SealedOriginal, original: string, tokenOf: TokenOf): boolean | null {
  const keyId = row.token.slice(0, row.token.indexOf(":"))
  const token = tokenOf(keyId, row.field, original)
  return token === null ? null : token === row.token
}

/**
 * Undo `encrypt` of the vault.
 *
 * @param ciphertext - ciphertext ‖ tag.
 * @returns The plaintext, or null when key, nonce, associated data, ciphertext and tag do not fit together.
 * @throws RangeError for a key or a nonce of another length.
 */
export function decrypt(
  key: Uint8Array,
  nonce: Uint8Array,
  data: Uint8Array,
  ciphertext: Uint8Array,
): Uint8Array | null {
  requireShape(key, nonce)
  if (ciphertext.length < TAG_BYTES) return null
  try {
    return gcm(key, nonce, data).decrypt(ciphertext)
  } catch {
    return null
  }
}

function open(dataKey: Uint8Array, id: Uint8Array, context: Context, sealed: Uint8Array): string | null {
  if (dataKey.length !== KEY_BYTES) throw new RangeError(`data key: ${dataKey.length} bytes instead of 32`)
  // A GCM ciphertext can be made to open under two keys. The id, derived from the key, admits one.
  if (!Buffer.from(dataKeyId(dataKey)).equals(id)) return null
  if (sealed[0] !== FORMAT_VERSION || sealed.length < 1 + NONCE_BYTES + TAG_BYTES) return null
  const nonce = sealed.slice(1, 1 + NONCE_BYTES)
  const plaintext = decrypt(dataKey, nonce, associatedData(context, id), sealed.slice(1 + NONCE_BYTES))
  return plaintext === null ? null : strictUtf8(plaintext)
}

function strictUtf8(bytes: Uint8Array): string | null {
  try {
    // Without ignoreBOM the decoder would swallow a leading U+FEFF, which is part of what came.
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}
