import { generateX25519Identity, identityToRecipient } from "age-encryption"
import { unwrapDataKey } from "../../src/recover/open.ts"
import { encrypt } from "../../src/vault/aes-gcm.ts"
import { createDataKey, type DataKey, dataKeyId } from "../../src/vault/data-key.ts"
import { createNonces } from "../../src/vault/nonces.ts"

export async function createIdentity(): Promise<{ identity: string; recipient: string }> {
  const identity = await generateX25519Identity()
  return { identity, recipient: await identityToRecipient(identity) }
}

/** A data key, and the same unwrapped with its identity, as a recoverer has it. */
export async function createKeyPair(): Promise<{ dataKey: DataKey; unwrapped: Uint8Array }> {
  const { identity, recipient } = await createIdentity()
  const dataKey = await createDataKey([recipient])
  const unwrapped = await unwrapDataKey(dataKey.wrapped, [identity])
  if (unwrapped === null) throw new Error("a fresh data key does not unwrap")
  return { dataKey, unwrapped }
}

/** A data key whose bytes the test knows. Production code has no such thing. */
export function knownDataKey(key: Uint8Array): DataKey {
  const nextNonce = createNonces()
  return {
    id: dataKeyId(key),
    recipients: [],
    wrapped: new Uint8Array(),
    seals: 0,
    encrypt(plaintext, associatedData) {
      const nonce = nextNonce()
      return { nonce, ciphertext: encrypt(key, nonce, associatedData, plaintext) }
    },
    drop() {},
  }
}
