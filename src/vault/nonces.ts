import { randomFillSync } from "node:crypto"
import { NONCE_BYTES } from "./aes-gcm.ts"

const POOL_NONCES = 1024

/**
 * A source of random 96-bit nonces. Random bytes are drawn 12 kB at a time,
 * because one call to the system costs as much as 500 nonces from a pool. What
 * is handed out is wiped from the pool in the same step: no byte leaves it twice.
 *
 * @param fill - Fills a buffer with cryptographically strong random bytes.
 */
export function createNonces(fill: (pool: Uint8Array) => unknown = randomFillSync): () => Uint8Array {
  const pool = new Uint8Array(POOL_NONCES * NONCE_BYTES)
  let at = pool.length
  return () => {
    if (at === pool.length) {
      fill(pool)
      at = 0
    }
    const nonce = pool.slice(at, at + NONCE_BYTES)
    pool.fill(0, at, at + NONCE_BYTES)
    at += NONCE_BYTES
    return nonce
  }
}
