/**
 * Every failure the operator can act on. `message` says what happened, `hint`
 * says what to do next, `kind` picks the exit status. Anything else that
 * reaches main.ts is a bug and is reported as one.
 *
 * A message never holds a field value, a key or a body: name the field, the
 * file, the queue or the message id instead.
 */
export class UserError extends Error {
  override readonly name = "UserError"
  readonly kind: "usage" | "data" | "unavailable" | "permission" | "config"
  readonly hint: string | undefined
  /** Of an error that PostgreSQL reports: what its log lines are searched by. */
  readonly database: DatabaseNames | undefined

  constructor(
    kind: UserError["kind"],
    message: string,
    options: { hint?: string; cause?: unknown; database?: DatabaseNames } = {},
  ) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.hint = options.hint
    this.database = options.database
  }
}

/** The SQLSTATE of an error, and the names of what it is about. */
export interface DatabaseNames {
  readonly sqlState: string
  readonly table?: string
  readonly column?: string
  readonly constraint?: string
}
