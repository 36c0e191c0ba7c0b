import { hash } from "node:crypto"

/** Names one original, and the time at which it was not known. Opaque. */
export interface Mark {
  readonly fingerprint: Buffer
  readonly epoch: number
}

/**
 * What this run already stored in the vault, so that repeats need no sealing.
 *
 * Forgetting is allowed, inventing is not: an original that is known although
 * the vault lacks it would never be stored. So an entry holds 128 bits of a
 * SHA-256, and only what was committed is remembered.
 */
export interface KnownOriginals {
  /** @returns null when the original is known, otherwise the mark that `remember` takes. */
  markUnknown(subject: string, field: string, token: string): Mark | null
  /** Call once the transaction that stored it has committed. A mark from before a `forget` does nothing. */
  remember(mark: Mark): void
  /** Know nothing any more: someone erased originals. */
  forget(): void
}

const ENTRY_BYTES = 16
const WAYS = 8

/**
 * @param entries - How many originals to know at most: a power of two, at least 8. Memory is
 * 16 bytes each, taken from the system as it fills and never more (8 MiB by default).
 */
export function createKnownOriginals(entries = 2 ** 19): KnownOriginals {
  if (entries < WAYS || !Number.isInteger(Math.log2(entries))) throw new RangeError("not a power of two")
  const table = Buffer.alloc(entries * ENTRY_BYTES)
  let epoch = 0

  /** The eight places that an original may have, the most recently used first; the last one falls out. */
  function setOf(fingerprint: Buffer): Buffer {
    const start = (fingerprint.readUInt32LE() % (entries / WAYS)) * WAYS * ENTRY_BYTES
    return table.subarray(start, start + WAYS * ENTRY_BYTES)
  }

  /** Put at the front of its set, over the entry at `end`, or over the last one. */
  function toFront(set: Buffer, end: number, fingerprint: Buffer): void {
    set.copyWithin(ENTRY_BYTES, 0, end)
    set.set(fingerprint)
  }

  return {
    markUnknown(subject, field, token) {
      // A token has one length per key id, and the subject's length stands before it: no two originals read alike.
      const digest = hash("sha256", `${token}${subject.length}:${subject}${field}`)
      const fingerprint = Buffer.from(digest.slice(0, 2 * ENTRY_BYTES), "hex")
      const set = setOf(fingerprint)
      // Its bytes across two entries are as improbable as two originals with one fingerprint.
      const at = set.indexOf(fingerprint)
      if (at < 0) return { fingerprint, epoch }
      toFront(set, at, fingerprint)
      return null
    },
    remember({ fingerprint, epoch: markedAt }) {
      if (markedAt !== epoch) return
      const set = setOf(fingerprint)
      const at = set.indexOf(fingerprint)
      toFront(set, at < 0 ? set.length : at, fingerprint)
    },
    forget() {
      table.fill(0)
      epoch++
    },
  }
}
