import { NONCE_BYTES } from "./aes-gcm.ts"
import { associatedData, type Context } from "./context.ts"
import type { DataKey } from "./data-key.ts"

/** The first byte of every sealed value. */
export const FORMAT_VERSION = 1

/**
 * Seal one value for its row of the vault with AES-256-GCM.
 *
 * @param context - The row it belongs to, bound as associated data: moved to
 * another row, it does not open.
 * @param value - Any well-formed text, stored as UTF-8; its length stays visible.
 * @returns version (1) ‖ nonce (12) ‖ ciphertext (n) ‖ tag (16): n + 29 bytes.
 * @throws RangeError when the key is used up or dropped, a text has a lone surrogate, or
 * `sentAtMs` is no whole number.
 */
export function seal(dataKey: DataKey, context: Context, value: string): Uint8Array {
  if (!value.isWellFormed()) throw new RangeError("text with a lone surrogate has no UTF-8")
  if (context.kind === "reject" && !Number.isSafeInteger(context.sentAtMs)) {
    // The database would keep another instant, and the reject would never open.
    throw new RangeError("sentAtMs is not a whole number of milliseconds")
  }
  const { nonce, ciphertext } = dataKey.encrypt(Buffer.from(value), associatedData(context, dataKey.id))
  const sealed = new Uint8Array(1 + NONCE_BYTES + ciphertext.length)
  sealed[0] = FORMAT_VERSION
  sealed.set(nonce, 1)
  sealed.set(ciphertext, 1 + NONCE_BYTES)
  return sealed
}
