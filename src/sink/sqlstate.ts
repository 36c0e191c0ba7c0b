/** What a failed write asks of us. */
export type Action =
  /** A row of the batch cannot be stored: find it, store the rest. */
  | "data"
  /** The same transaction may go through next time. */
  | "retry"
  /** A new connection is needed. */
  | "reconnect"
  /** The credentials were refused: they may have been rotated. */
  | "reread-secret"
  /** No repetition helps: somebody must act. */
  | "stop"

/** PostgreSQL's error codes: https://www.postgresql.org/docs/current/errcodes-appendix.html */
const BY_CODE: Readonly<Record<string, Action>> = {
  "21000": "data", // cardinality_violation
  "25P03": "reconnect", // idle_in_transaction_session_timeout
  "25P04": "reconnect", // transaction_timeout
  "28000": "reread-secret", // invalid_authorization_specification
  "28P01": "reread-secret", // invalid_password
  "40001": "retry", // serialization_failure
  "40P01": "retry", // deadlock_detected
  "53300": "reconnect", // too_many_connections
  "54000": "data", // program_limit_exceeded: a value too long for an index
  "55P03": "retry", // lock_not_available
  "57014": "retry", // query_canceled
  "57P01": "reconnect", // admin_shutdown
  "57P02": "reconnect", // crash_shutdown
  "57P03": "reconnect", // cannot_connect_now
  "57P05": "reconnect", // idle_session_timeout
}

/** By the first two characters. */
const BY_CLASS: Readonly<Record<string, Action>> = {
  "08": "reconnect", // connection exception
  "22": "data", // data exception
  "23": "data", // integrity constraint violation
}

/** Whatever the table does not know stops the run: going on would guess with somebody's data. */
export function actionOn(sqlState: string): Action {
  return BY_CODE[sqlState] ?? BY_CLASS[sqlState.slice(0, 2)] ?? "stop"
}

/** An error that the server sent. What it says beside these fields may quote values of a row. */
export interface ServerError extends Error {
  /** SQLSTATE. */
  readonly code: string
  readonly severity: string
  readonly schema?: string | undefined
  readonly table?: string | undefined
  readonly column?: string | undefined
  readonly constraint?: string | undefined
}

/** Other errors have a `code` too (EPIPE has five letters); only the server's have a severity. */
export function isServerError(error: unknown): error is ServerError {
  return (
    error instanceof Error &&
    "severity" in error &&
    "code" in error &&
    typeof error.code === "string" &&
    /^[0-9A-Z]{5}$/.test(error.code)
  )
}
