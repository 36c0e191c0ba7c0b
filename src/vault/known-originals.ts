import { hash } from "node:crypto"

/** Names one original, and the time at which it was not known. Opaque. */
export interface Mark {
  readonly fingerprint: string
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

const WORDS = 4
const WAYS = 8

/**
 * @param entries - How many originals to know at most: a power of two, at least 8. Memory is
 * 16 bytes each, taken from the system as it fills and never more (8 MiB by default).
 */
export function createKnownOriginals(entries = 2 ** 19): KnownOriginals {
  if (entries < WAYS || !Number.isInteger(Math.log2(entries))) throw new RangeError("not a power of two")
  const sets = entries / WAYS
  // Sets of eight, the most recently used first; the last one falls out.
  const table = new Uint32Array(entries * WORDS)
  let epoch = 0

  const setStart = (fingerprint: string) => (word(fingerprint, 0) & (sets - 1)) * WAYS * WORDS

  function find(start: number, fingerprint: string): number {
    const [a, b, c, d] = [0, 1, 2, 3].map((index) => word(fingerprint, index))
    for (let at = start; at < start + WAYS * WORDS; at += WORDS) {
      if (table[at] === a && table[at + 1] === b && table[at + 2] === c && table[at + 3] === d) return at
    }
    return -1
  }

  /** Put at the front of its set, over the entry at `end`. */
  function toFront(start: number, end: number, fingerprint: string): void {
    table.copyWithin(start + WORDS, start, end)
    for (let index = 0; index < WORDS; index++) table[start + index] = word(fingerprint, index)
  }

  return {
    markUnknown(subject, field, token) {
      // A token has one length per key id, and the subject's length stands before it: no two originals read alike.
      const fingerprint = hash("sha256", `${token}${subject.length}:${subject}${field}`, "binary")
      const start = setStart(fingerprint)
      const at = find(start, fingerprint)
      if (at < 0) return { fingerprint, epoch }
      toFront(start, at, fingerprint)
      return null
    },
    remember({ fingerprint, epoch: markedAt }) {
      if (markedAt !== epoch) return
      const start = setStart(fingerprint)
      const at = find(start, fingerprint)
      toFront(start, at < 0 ? start + (WAYS - 1) * WORDS : at, fingerprint)
    },
    forget() {
      table.fill(0)
      epoch++
    },
  }
}

function word(fingerprint: string, index: number): number {
  const at = index * 4
  const low = fingerprint.charCodeAt(at) | (fingerprint.charCodeAt(at + 1) << 8)
  return (low | (fingerprint.charCodeAt(at + 2) << 16) | (fingerprint.charCodeAt(at + 3) << 24)) >>> 0
}
