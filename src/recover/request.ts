import { sql } from "kysely"
import type { Database } from "../sink/connection.ts"
import { isRequestId, millis } from "./call.ts"
import { callAs } from "./call-as.ts"
import { refusal } from "./refusal.ts"

/** What somebody wants back, and why. Tokens, a subject, or those tokens of that subject. */
export interface Wanted {
  /** At most 100. */
  readonly tokens: readonly string[]
  readonly subject: string | null
  /** At least 10 characters, blanks not counted. */
  readonly reason: string
  readonly ticket: string | null
}

export interface RecoveryRequest {
  readonly id: string
  readonly requester: string
  readonly tokens: readonly string[]
  readonly subject: string | null
  readonly reason: string
  readonly ticket: string | null
  readonly state: "waiting" | "approved" | "denied" | "released" | "expired"
  readonly approvalsNeeded: number
  readonly approvals: readonly { readonly by: string; readonly atMs: number }[]
  readonly createdAtMs: number
  readonly expiresAtMs: number
}

/**
 * Ask for originals. The request and its audit record are committed when this resolves.
 *
 * @throws UserError of kind `usage` when the vault does not take the request; that too is on record.
 */
export async function requestRecovery(db: Database, wanted: Wanted): Promise<RecoveryRequest> {
  const { tokens, subject, reason, ticket } = wanted
  const { rows } = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<{ status: string; id: string }>`
      select status, id from vault.request(${[...tokens]}::text[], ${subject}, ${reason}, ${ticket})`.execute(
      tx,
    ),
  )
  const { status, id } = rows[0] as { status: string; id: string }
  if (status !== "requested") throw refusal(status)
  return requestStatus(db, id)
}

/**
 * Look at a request: one's own, or as an approver any.
 *
 * @throws UserError of kind `permission` when there is none of this id, or it is somebody else's.
 */
export async function requestStatus(db: Database, id: string): Promise<RecoveryRequest> {
  const [found] = isRequestId(id)
    ? await readRequests(db, "peppermill_recoverer", sql`vault.status(${id})`)
    : []
  if (found === undefined) throw refusal("unknown")
  return found
}

/** The requests that wait for approvals, oldest first, as an approver. */
export async function pendingRequests(db: Database): Promise<readonly RecoveryRequest[]> {
  return readRequests(db, "peppermill_approver", sql`vault.pending()`)
}

/**
 * Approve somebody else's request.
 *
 * @throws UserError of kind `permission` when it is one's own, was decided before, has expired or is not there.
 */
export async function approveRequest(db: Database, id: string): Promise<void> {
  await decide(db, id, sql`vault.approve(${id})`, "approved")
}

/** Deny a request: it cannot be released any more. Throws like {@link approveRequest}. */
export async function denyRequest(db: Database, id: string): Promise<void> {
  await decide(db, id, sql`vault.deny(${id})`, "denied")
}

type Call = ReturnType<typeof sql>

async function decide(db: Database, id: string, call: Call, done: string): Promise<void> {
  if (!isRequestId(id)) throw refusal("unknown")
  const { rows } = await callAs(db, "peppermill_approver", (tx) =>
    sql<{ status: string }>`select ${call} as status`.execute(tx),
  )
  const status = rows[0]?.status ?? "unknown"
  if (status !== done) throw refusal(status)
}

async function readRequests(
  db: Database,
  role: "peppermill_recoverer" | "peppermill_approver",
  call: Call,
): Promise<readonly RecoveryRequest[]> {
  const { rows } = await callAs(db, role, (tx) =>
    sql<RecoveryRequest>`
      select id, requester, tokens, subject, reason, ticket, state,
        approvals_needed as "approvalsNeeded", approvals,
        ${millis("created_at")} as "createdAtMs", ${millis("expires_at")} as "expiresAtMs"
      from ${call} as r`.execute(tx),
  )
  return rows
}
