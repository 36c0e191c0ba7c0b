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

  constructor(kind: UserError["kind"], message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, { cause: options.cause })
    this.kind = kind
    this.hint = options.hint
  }
}
