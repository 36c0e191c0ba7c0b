import { type RawBuilder, sql, type Transaction } from "kysely"
import { UserError } from "../errors.ts"
import type { Database } from "../sink/connection.ts"
import { safeDatabaseError } from "../sink/database-error.ts"
import { isServerError } from "../sink/sqlstate.ts"
import type { Tables } from "../sink/tables.ts"
import { type ChainHead, type ChainVerdict, verifyChain } from "./chain.ts"
import type { AuditAction, AuditRecord, ChainedRecord } from "./record.ts"

/** Records read from the server at a time. */
const PAGE = 1_000

/** What a record is to say. Position, time, actor and hash are the database's to give. */
export interface AuditEntry {
  readonly action: AuditAction
  readonly subject?: string | null
  readonly tokens?: number
  readonly reason?: string | null
  readonly ticket?: string | null
  readonly requestId?: string | null
  /** Counts, names and tokens; never an original. */
  readonly details?: Readonly<Record<string, unknown>>
}

/**
 * Append a record, as the owner of the vault, in the transaction of what it
 * tells of: both are committed or neither. Other recoveries wait until then.
 *
 * @returns Its position.
 */
export async function appendAudit(tx: Transaction<Tables>, entry: AuditEntry): Promise<number> {
  const { action, subject = null, tokens = 0, reason = null, ticket = null, requestId = null } = entry
  const details = entry.details === undefined ? null : JSON.stringify(entry.details)
  const { rows } = await sql<{ position: number }>`
    select vault.append(${action}, ${subject}, ${tokens}, ${reason}, ${ticket}, ${requestId}::uuid,
      ${details}::jsonb)::float8 as position`.execute(tx)
  return (rows[0] as { position: number }).position
}

/**
 * Every record, in the order of positions, a page at a time.
 *
 * Nothing is taken for granted, because somebody may have changed the table: it
 * may lack its primary key, and a position or a time may be anything.
 *
 * @param tx - The pages are one snapshot's, if the transaction is repeatable read.
 */
export async function* auditRecords(tx: Transaction<Tables>): AsyncGenerator<ChainedRecord, void> {
  await sql`
    declare audit_records no scroll cursor for
    select ${COLUMNS} from vault.audit a order by a.position, a.at, a.hash`.execute(tx)
  for (;;) {
    const { rows } = await sql<ChainedRecord>`fetch ${sql.raw(String(PAGE))} from audit_records`.execute(tx)
    yield* rows
    if (rows.length < PAGE) break
  }
  await sql`close audit_records`.execute(tx)
}

/** Verify the whole audit log. See {@link verifyChain}. */
export async function verifyAudit(db: Database, checkpoint?: ChainHead): Promise<ChainVerdict> {
  return asAuditor(() =>
    db
      .transaction()
      .setIsolationLevel("repeatable read")
      .setAccessMode("read only")
      .execute((tx) => verifyChain(auditRecords(tx), checkpoint === undefined ? {} : { checkpoint })),
  )
}

export interface AuditQuery {
  /** At or after this time. */
  readonly sinceMs?: number
  readonly actor?: string
  /** Records about this person, a release that brought something of them included. */
  readonly subject?: string
  readonly action?: AuditAction
  /** Text to find in any field. */
  readonly text?: string
  /** Positions below this one. */
  readonly before?: number
  readonly limit: number
}

/** The newest records that fit, newest first. */
export async function listAudit(db: Database, query: AuditQuery): Promise<readonly AuditRecord[]> {
  const { sinceMs, actor, subject, action, text, before, limit } = query
  const conditions = [
    sql`true`,
    ...(sinceMs === undefined ? [] : [sql`a.at >= to_timestamp(${sinceMs / 1000}::float8)`]),
    ...(actor === undefined ? [] : [sql`a.actor = ${actor}`]),
    ...(subject === undefined ? [] : [about(subject)]),
    ...(action === undefined ? [] : [sql`a.action = ${action}`]),
    ...(text === undefined ? [] : [sql`strpos(lower(a::text), lower(${text})) > 0`]),
    ...(before === undefined ? [] : [sql`a.position < ${before}::float8`]),
  ]
  return asAuditor(async () => {
    const { rows } = await sql<AuditRecord>`
      select ${COLUMNS} from vault.audit a where ${sql.join(conditions, sql` and `)}
      order by a.position desc limit ${limit}`.execute(db)
    return rows
  })
}

/** Read the audit log, with words for a user who may not. */
export async function asAuditor<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (isServerError(error) && error.code === "42501") {
      throw new UserError("permission", "the database user may not read the audit log", {
        hint: "grant peppermill_auditor to the user of database.url",
      })
    }
    throw safeDatabaseError(error)
  }
}

// Positions and times go by float8, which both drivers make a number; up to 2^53 it is exact.
const COLUMNS = sql`
  a.position::float8 as position,
  case when isfinite(a.at) then (extract(epoch from a.at) * 1000000)::float8 else -1 end as "atMicros",
  a.actor, a.action, a.subject, a.tokens, a.reason, a.ticket, a.request_id::text as "requestId", a.details, a.hash`

/** A release by token names its subjects in its details, as JSON of our own making. */
function about(subject: string): RawBuilder<unknown> {
  return sql`(a.subject = ${subject} or (a.action = 'release' and strpos(a.details, to_json(${subject}::text)::text) > 0))`
}
