import { sql } from "kysely"
import type { Database } from "../sink/connection.ts"
import { isRequestId, millis } from "./call.ts"
import { callAs } from "./call-as.ts"
import { keepingRefusal, type Why } from "./job.ts"
import { openReject } from "./open.ts"
import { readPolicy } from "./policy.ts"
import { createUnwrappedKeys } from "./unwrapped-keys.ts"

/** Rejected messages of one reason, field and shape. Nothing of it is personal. */
export interface QuarantineGroup {
  readonly reason: string
  readonly field: string
  readonly shape: string
  readonly count: number
  readonly oldestSentAtMs: number
  readonly newestSentAtMs: number
}

export interface QuarantinedMessage {
  readonly messageId: string
  readonly reason: string
  readonly field: string
  readonly shape: string
  readonly sentAtMs: number
  readonly quarantinedAtMs: number
}

/** Which messages: those of a reason, those of these ids, those of both; all when both are null. */
export interface Chosen {
  readonly reasonCode: string | null
  /** As the quarantine shows them. */
  readonly ids: readonly string[] | null
}

/** A rejected message that was opened. Personal data: show it to who asked, store it nowhere. */
export interface OpenedMessage {
  readonly messageId: string
  readonly reason: string
  readonly field: string
  readonly sentAtMs: number
  /** Exactly what came, or null when our identities do not open it, or it was tampered with. */
  readonly body: string | null
}

/** A rejected message as the vault hands it out. */
export interface SealedMessage {
  readonly messageId: string
  readonly reason: string
  readonly field: string
  readonly sentAtMs: number
  readonly dataKeyId: Uint8Array
  readonly sealed: Uint8Array
  /** Null when the data key is no longer there. */
  readonly wrapped: Uint8Array | null
}

/** The columns of a {@link SealedMessage}, of a function of the vault. */
export const SEALED_MESSAGE = sql`
  message_id::text as "messageId", reason, field, ${millis("sent_at")} as "sentAtMs",
  data_key as "dataKeyId", sealed, wrapped`

/** Look at the quarantine. It takes any role of peppermill, no identity, and leaves no record. */
export async function quarantineGroups(db: Database): Promise<readonly QuarantineGroup[]> {
  const { rows } = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<QuarantineGroup>`
      select reason, field, shape, messages::float8 as count,
        ${millis("oldest")} as "oldestSentAtMs", ${millis("newest")} as "newestSentAtMs"
      from vault.quarantine_groups()`.execute(tx),
  )
  return rows
}

/** The newest messages in quarantine, newest first, without their bodies. */
export async function quarantinedMessages(
  db: Database,
  of: Partial<Pick<QuarantineGroup, "reason" | "field" | "shape">>,
  limit: number,
): Promise<readonly QuarantinedMessage[]> {
  const { reason = null, field = null, shape = null } = of
  const { rows } = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<QuarantinedMessage>`
      select message_id::text as "messageId", reason, field, shape, ${millis("sent_at")} as "sentAtMs",
        ${millis("created_at")} as "quarantinedAtMs"
      from vault.quarantine_messages(${reason}, ${field}, ${shape}, ${limit})`.execute(tx),
  )
  return rows
}

/** How many messages were chosen. */
export async function countQuarantined(db: Database, { reasonCode, ids }: Chosen): Promise<number> {
  const { rows } = await callAs(db, "peppermill_eraser", (tx) =>
    sql<{ count: number }>`
      select vault.quarantine_count(${reasonCode}, ${uuids(ids)}::uuid[])::float8 as count`.execute(tx),
  )
  return rows[0]?.count ?? 0
}

/**
 * Ask to see a body. The request goes by the policy of recoveries, and counts as
 * one original when it is released.
 *
 * @returns The request's id, and how many approvals by others it needs.
 */
export async function requestMessage(
  db: Database,
  messageId: string,
  { reason, ticket }: Why,
): Promise<{ readonly id: string; readonly approvalsNeeded: number }> {
  if (!isRequestId(messageId)) throw keepingRefusal("no-message")
  const { rows } = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<{ status: string; id: string; approvalsNeeded: number }>`
      select status, id, approvals_needed as "approvalsNeeded"
      from vault.request_message(${messageId}, ${reason}, ${ticket})`.execute(tx),
  )
  const { status, ...request } = rows[0] as { status: string; id: string; approvalsNeeded: number }
  if (status !== "requested") throw keepingRefusal(status)
  return request
}

/**
 * Release a request for a body, and open it: in two transactions, the record in the first.
 *
 * @throws UserError of kind `permission` when the vault refuses it.
 */
export async function releaseMessage(
  db: Database,
  request: string,
  messageId: string,
  identities: readonly string[],
): Promise<OpenedMessage> {
  if (!isRequestId(request) || !isRequestId(messageId)) throw keepingRefusal("unknown")
  const released = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<{ status: string }>`select vault.release_message(${request}, ${messageId}) as status`.execute(tx),
  )
  const status = released.rows[0]?.status ?? "unknown"
  if (status !== "released") throw keepingRefusal(status)
  const { rows } = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<SealedMessage>`select ${SEALED_MESSAGE} from vault.collect_message(${request})`.execute(tx),
  )
  const [sealed] = rows
  if (sealed === undefined) throw keepingRefusal("no-message")
  using keys = createUnwrappedKeys(identities)
  const key = await keys.of(sealed.dataKeyId, sealed.wrapped)
  const { reason, field, sentAtMs } = sealed
  return { messageId, reason, field, sentAtMs, body: key && openReject(key, sealed) }
}

/** {@link requestMessage} and {@link releaseMessage} in one step; null where the policy asks for approvals. */
export async function showInOneStep(
  db: Database,
  messageId: string,
  why: Why,
  identities: readonly string[],
): Promise<OpenedMessage | null> {
  const { approvals } = await readPolicy(db)
  if (approvals > 0) return null
  const { id } = await requestMessage(db, messageId, why)
  return releaseMessage(db, id, messageId, identities)
}

/**
 * Delete the chosen messages, if they are `expected` many.
 *
 * @throws UserError of kind `data` when they are not; then none was deleted.
 */
export async function dropQuarantined(
  db: Database,
  { reasonCode, ids }: Chosen,
  expected: number,
  { reason, ticket }: Why,
): Promise<number> {
  const { rows } = await callAs(db, "peppermill_eraser", (tx) =>
    sql<{ status: string; messages: number }>`
      select status, messages::float8 as messages
      from vault.drop_messages(${reasonCode}, ${uuids(ids)}::uuid[], ${expected}::bigint, ${reason}, ${ticket})`.execute(
      tx,
    ),
  )
  const { status, messages } = rows[0] as { status: string; messages: number }
  if (status !== "dropped") throw keepingRefusal(status)
  return messages
}

/** Ids as a parameter. What is no id of a message names none. */
export function uuids(ids: readonly string[] | null): string[] | null {
  return ids === null ? null : ids.filter(isRequestId)
}
