import type { Value } from "../decode/event-shape.ts"
import type { Token } from "../mask/token.ts"

/** One masked event, ready to store. Columns stand in the order of the event's shape. */
export interface Row {
  readonly messageId: string
  /** When the message was sent: milliseconds since the epoch. */
  readonly sentAtMs: number
  /** Values of the fields that are not masked, in the shape's order. */
  readonly plain: readonly Value[]
  /** Tokens of the masked fields, in the shape's order. A plain string does not fit here. */
  readonly tokens: readonly (Token | null)[]
  /** Originals not known to be in the vault already. Empty when the vault is off. */
  readonly originals: readonly SealedOriginal[]
}

/** A masked field's clear value, encrypted. */
export interface SealedOriginal {
  readonly subject: string
  readonly field: string
  readonly token: Token
  /** 16 bytes: the id of the data key that sealed it. */
  readonly dataKeyId: Uint8Array
  readonly sealed: Uint8Array
}

/** A rejected message, its body encrypted: it is personal data too. */
export interface SealedReject {
  readonly messageId: string
  readonly sentAtMs: number
  readonly reason: string
  readonly field: string
  /** What the body looked like, in types and known keys; no value, no unknown key. */
  readonly shape: string
  readonly dataKeyId: Uint8Array
  readonly sealed: Uint8Array
}

/** A data key as the database keeps it. */
export interface WrappedDataKey {
  /** 16 bytes. */
  readonly id: Uint8Array
  readonly recipients: readonly string[]
  /** An age file. */
  readonly wrapped: Uint8Array
}

/** What one transaction writes. No message id stands twice in it. */
export interface Batch {
  readonly rows: readonly Row[]
  /** Empty when the vault is off. */
  readonly rejects: readonly SealedReject[]
  /** The count of erasures at which the rows' omitted originals were known to be stored; null when none was omitted. */
  readonly erasures: number | null
}

/** A row that PostgreSQL refused for its data, found by bisecting. */
export interface Refused {
  readonly messageId: string
  readonly sqlState: string
  /** The column, where PostgreSQL names it. */
  readonly column: string | undefined
}

/** What came of a batch. Every row and reject of it is counted once. */
export interface Written {
  /** Rows stored. */
  readonly stored: number
  /** Rows and rejects whose message id was in the ledger already. */
  readonly duplicates: number
  /** Rejects stored. */
  readonly quarantined: number
  /** Originals offered to the vault (it keeps one per subject, field and token). */
  readonly originals: number
  /** The database's count of erasures at that moment; null when the vault is off. */
  readonly erasures: number | null
  /** Rows not stored, because no table could take them. Their messages are still in the queue. */
  readonly refused: readonly Refused[]
}

/** A transaction that failed and will be tried again. */
export interface SinkRetry {
  readonly sqlState: string | undefined
  readonly attempt: number
  readonly delayMs: number
}

/** The batch was not stored: originals that it leaves out may be gone. Seal them anew and write again. */
export class ErasedMeanwhile extends Error {
  override readonly name = "ErasedMeanwhile"
}

/**
 * Where rows go.
 *
 * `write` resolves only after the server has answered COMMIT with the tag
 * COMMIT. Writing the same batch again stores nothing twice, whatever became
 * of the first attempt. It throws {@link ErasedMeanwhile} when originals were
 * erased since `batch.erasures`, and a `UserError` when the run must stop; then
 * nothing of the batch may be acknowledged.
 */
export interface Sink {
  /** Refuse a set-up that could not store a batch: missing table, narrow column, replica, missing grants. */
  check(): Promise<void>
  write(batch: Batch, onRetry: (retry: SinkRetry) => void): Promise<Written>
  close(): Promise<void>
}
