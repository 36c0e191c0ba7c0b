import { lengthPrefixed } from "../length-prefixed.ts"

/** The vault row of an original. A sealed value opens in its own row only. */
export interface OriginalContext {
  readonly kind: "original"
  /** The event's table, as configured. */
  readonly table: string
  readonly subject: string
  readonly field: string
  readonly token: string
}

/** The quarantine row of a rejected message. */
export interface RejectContext {
  readonly kind: "reject"
  readonly messageId: string
  /** Milliseconds since the epoch: a replay dates the row by it, so it is bound too. */
  readonly sentAtMs: number
  readonly reason: string
  readonly field: string
}

export type Context = OriginalContext | RejectContext

/**
 * What is authenticated with a sealed value but not stored in it. The first item
 * names kind and format version, so that neither a reject nor a later format can
 * pass for an original. VAULT-FORMAT.md specifies the bytes.
 *
 * @throws RangeError when a text has a lone surrogate.
 */
export function associatedData(context: Context, dataKeyId: Uint8Array): Uint8Array {
  if (context.kind === "original") {
    const { table, subject, field, token } = context
    return lengthPrefixed(["peppermill/original/v1", table, subject, field, token, dataKeyId])
  }
  const { messageId, sentAtMs, reason, field } = context
  return lengthPrefixed(["peppermill/reject/v1", messageId, String(sentAtMs), reason, field, dataKeyId])
}
