import { randomFillSync } from "node:crypto"
import { Encrypter } from "age-encryption"
import { UserError } from "../errors.ts"
import { deriveKey } from "../mask/derive.ts"
import { encrypt, KEY_BYTES } from "./aes-gcm.ts"
import { createNonces } from "./nonces.ts"
import { checkRecipients } from "./recipients.ts"

/** Seals after which a data key refuses: far below the 2^32 of SP 800-38D for random 96-bit nonces. */
export const MAX_SEALS = 2 ** 20

const ID_INFO = Buffer.from("peppermill/data-key-id/v1")
const ID_BYTES = 16

/** An AES-256 key that can be used but not read. Whoever holds a matching identity can unwrap it again. */
export interface DataKey {
  /** 16 bytes derived from the key: they commit every ciphertext to it and tell nothing about it. */
  readonly id: Uint8Array
  readonly recipients: readonly string[]
  /** The key as an age file for all recipients. */
  readonly wrapped: Uint8Array
  /** Seals made so far. */
  readonly seals: number
  /**
   * Encrypt under a fresh random nonce.
   *
   * @throws RangeError once the key is dropped or has made {@link MAX_SEALS} seals.
   */
  encrypt(plaintext: Uint8Array, associatedData: Uint8Array): Encrypted
  /**
   * Forget the key. Our one copy is overwritten; copies that the runtime or a
   * library made in memory that is now free, nobody can promise away.
   */
  drop(): void
}

export interface Encrypted {
  readonly nonce: Uint8Array
  /** ciphertext ‖ tag. */
  readonly ciphertext: Uint8Array
}

/**
 * Make a random data key, wrapped for all recipients.
 *
 * @throws UserError of kind `config` when a recipient cannot be used.
 */
export async function createDataKey(recipients: readonly string[]): Promise<DataKey> {
  // With a buffer of its own the key lies outside the JavaScript heap, where the collector would copy it about.
  const key = new Uint8Array(new ArrayBuffer(KEY_BYTES))
  randomFillSync(key)
  const nextNonce = createNonces()
  const wrapped = await wrap(key, recipients)
  let seals = 0
  let dropped = false
  return {
    id: dataKeyId(key),
    recipients: [...recipients],
    wrapped,
    get seals() {
      return seals
    },
    encrypt(plaintext, associatedData) {
      if (dropped) throw new RangeError("this data key has been dropped")
      if (seals >= MAX_SEALS) throw new RangeError(`this data key has made its ${MAX_SEALS} seals`)
      seals++
      const nonce = nextNonce()
      return { nonce, ciphertext: encrypt(key, nonce, associatedData, plaintext) }
    },
    drop() {
      dropped = true
      key.fill(0)
    },
  }
}

/**
 * Wrap a data key for recipients: an age v1 file whose content is the 32 bytes.
 * Any age tool with a matching identity opens it.
 *
 * @throws UserError of kind `config` when a recipient cannot be used;
 * RangeError for a key that has not 32 bytes.
 */
export async function wrap(key: Uint8Array, recipients: readonly string[]): Promise<Uint8Array> {
  if (key.length !== KEY_BYTES) throw new RangeError(`data key: ${key.length} bytes instead of 32`)
  checkRecipients(recipients)
  const encrypter = new Encrypter()
  for (const recipient of recipients) encrypter.addRecipient(recipient)
  try {
    return await encrypter.encrypt(key)
  } catch (cause) {
    // A well-formed recipient can still be a point with which no secret can be agreed.
    throw new UserError("config", "vault.recipients: one of them cannot be encrypted to", {
      hint: "make the identity and its recipient anew with age-keygen",
      cause,
    })
  }
}

/** HKDF-SHA-256(data key, "peppermill/data-key-id/v1"), the first 16 bytes. */
export function dataKeyId(key: Uint8Array): Uint8Array {
  return deriveKey(key, ID_INFO, ID_BYTES)
}
