/** What people do that leaves a record. */
export type AuditAction =
  | "request"
  | "approve"
  | "deny"
  | "release"
  | "erase"
  | "rekey"
  | "rewrap"
  | "quarantine-show"
  | "quarantine-replay"
  | "quarantine-drop"
  | "prune"
  | "policy"

/** One row of the audit log, without its hash. Tokens are counted, originals never stand in it. */
export interface AuditRecord {
  /** Counts from 1, without gaps. */
  readonly position: number
  /** Microseconds since the epoch, UTC. */
  readonly atMicros: number
  /** The database's session user. */
  readonly actor: string
  readonly action: AuditAction
  readonly subject: string | null
  /** How many tokens it was about. */
  readonly tokens: number
  readonly reason: string | null
  readonly ticket: string | null
  readonly requestId: string | null
  /** JSON, character for character as stored: the column is text, because jsonb would spell it anew. */
  readonly details: string | null
}

/** A row of the audit log as stored. */
export interface ChainedRecord extends AuditRecord {
  /** 32 bytes. */
  readonly hash: Uint8Array
}
