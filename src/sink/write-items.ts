import type { Value } from "../decode/event-shape.ts"
import { isToken } from "../mask/token.ts"
import { ledgerId } from "../message-id.ts"
import type { EventColumn } from "./event-columns.ts"
import type { Batch, Row, SealedReject } from "./sink.ts"

/** What one message brings to a batch, under its id in the ledger. */
export type WriteItem =
  | { readonly ledgerId: string; readonly row: Row }
  | { readonly ledgerId: string; readonly reject: SealedReject }

/**
 * Name and order a batch, and refuse one that must never reach SQL.
 *
 * Sorted by ledger id, because two drains that insert the same ids in different
 * orders would wait for each other.
 *
 * @throws Error when the caller broke the contract: an id twice, a missing value,
 * or anything but a token in a masked column.
 */
export function writeItems(batch: Batch, columns: readonly EventColumn[]): readonly WriteItem[] {
  const plain = columns.filter(({ kind }) => kind === "plain").length
  const tokens = columns.filter(({ kind }) => kind === "token").length
  const items: WriteItem[] = []
  for (const row of batch.rows) {
    const fault = faultOf(row, plain, tokens)
    if (fault !== null) throw new Error(`message ${row.messageId} ${fault}`)
    items.push({ ledgerId: ledgerId(row.messageId), row })
  }
  for (const reject of batch.rejects) items.push({ ledgerId: ledgerId(reject.messageId), reject })
  items.sort((a, b) => (a.ledgerId < b.ledgerId ? -1 : 1))
  const twice = items.find((item, index) => item.ledgerId === items[index + 1]?.ledgerId)
  if (twice !== undefined) throw new Error(`message ${messageIdOf(twice)} stands twice in a batch`)
  return items
}

export function messageIdOf(item: WriteItem): string {
  return "row" in item ? item.row.messageId : item.reject.messageId
}

/** What keeps a row from SQL; null when nothing does. */
function faultOf(row: Row, plain: number, tokens: number): string | null {
  if (row.plain.length !== plain || row.tokens.length !== tokens) {
    return "does not have the columns of the event table"
  }
  if (!row.plain.every(isStorable)) return "has a value that is no text, number, boolean or null"
  if (!row.tokens.every((token) => token === null || isToken(token))) {
    return "has something other than a token in a masked column"
  }
  if (!row.originals.every(({ token }) => isToken(token))) return "has an original without a token"
  return null
}

/** The driver would turn an object into JSON and undefined into NULL, and say nothing. */
function isStorable(value: Value): boolean {
  if (typeof value === "number") return Number.isFinite(value)
  return value === null || typeof value === "string" || typeof value === "boolean"
}
