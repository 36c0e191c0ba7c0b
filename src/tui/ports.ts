import type { DrainEvent } from "../drain-event.ts"
import type { Counts } from "../source/source.ts"

/** What went wrong or is not there, and what to do about it. No value, no key, no body in either. */
export interface Problem {
  readonly message: string
  readonly hint?: string | undefined
}

/** A back end, or why there is none. Absence is an answer, not an error. */
export type Offered<T> =
  | { readonly port: T; readonly missing?: undefined }
  | { readonly port?: undefined; readonly missing: Problem }

/**
 * All that the terminal UI knows of the world. It calls these from outside
 * React, one call of a kind at a time, and shows a thrown `UserError`'s message
 * and hint. Any other error is shown by its name alone.
 */
export interface Ports {
  /** The queue's and the database's name, as the header shows them; never a URL's password. */
  readonly queue: string | null
  readonly database: string | null
  readonly drain: Offered<DrainPort>
  readonly quarantine: Offered<QuarantinePort>
  readonly recovery: Offered<RecoveryPort>
  readonly audit: Offered<AuditPort>
  readonly keys: Offered<KeysPort>
  readonly doctor: DoctorPort
}

export interface DrainPort {
  /** Begin a run. Called again only after the last run's events have ended. */
  start(): DrainRun
  counts(): Promise<Counts>
}

export interface DrainRun {
  /** Ends with `finished`; throws what the run had to stop for. */
  readonly events: AsyncIterable<DrainEvent>
  pause(): void
  resume(): void
  /** Take in no more, finish the batch in hand, end. */
  stop(): void
  /** End at once: what is in hand goes back to the queue. */
  stopNow(): void
}

/** Refused messages of one reason, field and shape. */
export interface QuarantineGroup {
  readonly reason: string
  readonly field: string
  readonly shape: string
  readonly count: number
  readonly oldestSentAtMs: number
}

export interface QuarantinedMessage {
  readonly messageId: string
  readonly sentAtMs: number
  readonly quarantinedAtMs: number
}

export interface QuarantinePort {
  groups(): Promise<readonly QuarantineGroup[]>
  /** The newest `limit` messages of a group, newest first. */
  messages(group: QuarantineGroup, limit: number): Promise<readonly QuarantinedMessage[]>
}

/** What the database asks of the caller before it hands out an original. */
export interface Policy {
  /** The database user we are. */
  readonly user: string
  /** Approvals by other users. */
  readonly approvals: number
  readonly ttlMinutes: number
  readonly rowsPerHour: number
  /** What is left of `rowsPerHour` for us, where that is known. */
  readonly rowsLeft?: number
  /** Characters a reason must have. */
  readonly minReason: number
}

export interface Wanted {
  readonly kind: "token" | "subject"
  readonly value: string
  readonly reason: string
  readonly ticket: string | null
}

export interface RecoveryRequest {
  readonly id: string
  readonly state: "waiting" | "approved" | "denied" | "released" | "expired"
  readonly approvalsNeeded: number
  readonly approvals: readonly { readonly by: string; readonly atMs: number }[]
  readonly expiresAtMs: number
}

/** One original. `value` is null where it could not be opened with our identity. */
export interface Original {
  readonly subject: string
  readonly field: string
  readonly value: string | null
  /** Whether the token made from the value is the stored one; null without its mask key. */
  readonly verified: boolean | null
}

export interface RecoveryPort {
  policy(): Promise<Policy>
  request(wanted: Wanted): Promise<RecoveryRequest>
  status(id: string): Promise<RecoveryRequest>
  /** Writes the audit record, then opens. What it returns is clear text: keep it for as long as it is shown. */
  release(id: string): Promise<readonly Original[]>
}

export interface AuditRecord {
  readonly position: number
  readonly atMs: number
  readonly actor: string
  readonly action: string
  readonly outcome: string
  /** Whom or what it was about. */
  readonly about: string | null
  readonly reason: string | null
  readonly request: string | null
  /** How many tokens it was about. */
  readonly rows: number | null
}

export interface AuditPort {
  /** Newest first. `filter` is text to find in any field, in any case. */
  records(query: {
    readonly filter: string
    /** Positions below this one; null for the newest. */
    readonly before: number | null
    readonly limit: number
  }): Promise<readonly AuditRecord[]>
}

export interface Check {
  readonly name: string
  readonly result: "ok" | "warn" | "fail"
  readonly message: string
  readonly hint?: string | undefined
}

export interface DoctorPort {
  /** Every check, in the order of need, as each comes to its result. */
  checks(): AsyncIterable<Check>
}

export interface KeyRing {
  readonly maskKeys: readonly {
    readonly id: string
    readonly state: "active" | "live" | "retired"
    readonly createdAtMs: number
    /** Whether our key is the one the database knows under this id. */
    readonly check: "matches" | "differs" | "not held"
  }[]
  readonly recipients: readonly {
    readonly recipient: string
    /** Data keys this recipient can open. */
    readonly dataKeys: number
    /** Whether new data keys are wrapped for it. */
    readonly configured: boolean
  }[]
  readonly dataKeys: readonly {
    readonly id: string
    readonly createdAtMs: number
    readonly seals: number
    readonly recipients: number
  }[]
}

export interface KeysPort {
  keys(): Promise<KeyRing>
}
