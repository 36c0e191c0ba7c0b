import { sha256 } from "@noble/hashes/sha2.js"
import { lengthPrefixed } from "../length-prefixed.ts"
import type { AuditRecord, ChainedRecord } from "./record.ts"

/** What stands for the previous hash of the first record: 32 zero bytes. */
export const CHAIN_START: Uint8Array = new Uint8Array(32)

/** The length and last hash of a chain: what a checkpoint signs. */
export interface ChainHead {
  readonly size: number
  /** 32 bytes; {@link CHAIN_START} for an empty chain. */
  readonly head: Uint8Array
}

/**
 * What is wrong with a chain.
 *
 * - `missing`: the record of this position is not there.
 * - `out-of-order`: it comes later than it should, or another position comes twice.
 * - `changed`: its hash does not follow from the one before and its content. It was edited or
 *   inserted, or the record before it was edited and hashed anew.
 * - `cut-off`: the chain ends before it, though a checkpoint has seen it.
 * - `rewritten`: the chain is whole, but at this position, the checkpoint's, it is not the one
 *   that was signed: this record or any before it was replaced, and all hashes made anew.
 */
export type Defect = "missing" | "out-of-order" | "changed" | "cut-off" | "rewritten"

export type ChainVerdict =
  | ({ readonly ok: true } & ChainHead)
  | { readonly ok: false; readonly position: number; readonly why: Defect }

/**
 * The bytes of a record that its hash covers: a length-prefixed list, numbers in
 * decimal, null apart from the empty text. VAULT-FORMAT.md has the same in SQL.
 */
export function canonicalRecord(record: AuditRecord): Uint8Array {
  return lengthPrefixed([
    "peppermill/audit/v1",
    String(record.position),
    String(record.atMicros),
    record.actor,
    record.action,
    record.subject,
    String(record.tokens),
    record.reason,
    record.ticket,
    record.requestId,
    record.details,
  ])
}

/** SHA-256(previous hash ‖ canonical record). */
export function nextHash(previous: Uint8Array, record: AuditRecord): Uint8Array {
  return sha256(Buffer.concat([previous, canonicalRecord(record)]))
}

/**
 * Verify a whole chain, and that it continues the one a checkpoint has seen.
 *
 * Without a checkpoint a cut tail, and a chain rewritten to its end, cannot be
 * told from the truth; with one, only what was added after it can.
 *
 * @param records - In the order of their positions, as read from the database; streamed, never held.
 * @returns The head, or the first position at which something is wrong.
 */
export async function verifyChain(
  records: Iterable<ChainedRecord> | AsyncIterable<ChainedRecord>,
  { checkpoint }: { readonly checkpoint?: ChainHead } = {},
): Promise<ChainVerdict> {
  let size = 0
  let head = CHAIN_START
  let gap: number | null = null
  for await (const record of records) {
    const position = size + 1
    if (record.position > position) gap = position
    if (gap !== null) {
      // The rest is looked through for the record that should have come here.
      if (record.position === gap) return { ok: false, position, why: "out-of-order" }
      continue
    }
    if (record.position < position) return { ok: false, position, why: "out-of-order" }
    const hash = nextHash(head, record)
    if (!equal(hash, record.hash)) return { ok: false, position, why: "changed" }
    size = position
    head = hash
    if (checkpoint?.size === size && !equal(checkpoint.head, head)) {
      return { ok: false, position, why: "rewritten" }
    }
  }
  if (gap !== null) return { ok: false, position: gap, why: "missing" }
  if (checkpoint !== undefined && size < checkpoint.size) {
    return { ok: false, position: size + 1, why: "cut-off" }
  }
  return { ok: true, size, head }
}

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b)
