import { CHAIN_START, nextHash } from "../../src/audit/chain.ts"
import type { AuditRecord, ChainedRecord } from "../../src/audit/record.ts"

export function record(position: number, changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    position,
    atMicros: 1_700_000_000_000_000 + position,
    actor: "alice",
    action: "request",
    subject: null,
    tokens: position % 3,
    reason: "fraud case",
    ticket: position % 2 === 0 ? null : `SEC-${position}`,
    requestId: null,
    details: '{"fields": ["ip"]}',
    ...changes,
  }
}

/** Chain records as the database does: each hash follows from the one before. */
export function chained(records: readonly AuditRecord[], start = CHAIN_START): ChainedRecord[] {
  let previous = start
  return records.map((one) => {
    previous = nextHash(previous, one)
    return { ...one, hash: previous }
  })
}

export function chain(size: number): ChainedRecord[] {
  return chained(Array.from({ length: size }, (_, index) => record(index + 1)))
}
