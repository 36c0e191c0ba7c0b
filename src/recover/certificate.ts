import type { Erasure, Proof } from "./erase.ts"

/** What an erasure is proved by, for the person and the authorities. JSON, schema 1. */
export interface Certificate {
  readonly schema: 1
  readonly subject: string
  readonly erasedAt: string
  readonly reason: string
  readonly ticket: string | null
  readonly deleted: {
    readonly originals: Readonly<Record<string, number>>
    readonly quarantined: number
  }
  /** Rows whose tokens were replaced by random ones; null when that was not asked for. */
  readonly severedRows: number | null
  /** The record in the audit log: `peppermill audit verify` proves that it still stands there. */
  readonly audit: { readonly position: number; readonly hash: string }
  readonly recovery: Proof
  /** What deleting in this database does not reach. */
  readonly cannotReach: readonly string[]
}

/** @param unopened - Quarantined bodies that could not be looked into; null when none was tried. */
export function certificate(
  subject: string,
  erasure: Erasure,
  details: {
    readonly reason: string
    readonly ticket: string | null
    readonly sever: boolean
    readonly unopened: number | null
    readonly recovery: Proof
  },
): Certificate {
  const { originals, quarantined, severed, erasedAtMs, position, hash } = erasure
  const { reason, ticket, sever, unopened, recovery } = details
  return {
    schema: 1,
    subject,
    erasedAt: new Date(erasedAtMs).toISOString(),
    reason,
    ticket,
    deleted: { originals, quarantined },
    severedRows: sever ? severed : null,
    audit: { position, hash: Buffer.from(hash).toString("hex") },
    recovery,
    cannotReach: [
      "backups, write-ahead logs and replicas made before, until the age identities of their data keys are destroyed",
      "originals that were recovered before; the audit log says by whom",
      "messages about the person that are still in a queue, or come later",
      "the person's rows in the event table, in which the subject stands as the configuration has it",
      ...(sever ? [] : ["the tokens in those rows: who holds the mask key can test a guess against them"]),
      ...(unopened === null ? ["quarantined messages: none was opened, as no identity was given"] : []),
      ...(unopened !== null && unopened > 0
        ? [`${unopened} quarantined messages that the given identity does not open`]
        : []),
      "the audit log, which names the person in this record and in those of former recoveries",
    ],
  }
}
