import { sql } from "kysely"
import type { Database } from "../sink/connection.ts"
import { asAuditor, listAudit } from "./database.ts"
import { outcomeOf } from "./outcome.ts"

/** One recovery that took place: who had what, when, and why. */
export interface Recovery {
  readonly position: number
  readonly atMicros: number
  readonly actor: string
  /** Whose originals. */
  readonly subjects: readonly string[]
  readonly originals: number
  readonly reason: string | null
  readonly ticket: string | null
  readonly requestId: string | null
  /** The database users who approved it. */
  readonly approvedBy: readonly string[]
}

/** What a report covers. Everything when nothing is named. */
export interface ReportQuery {
  readonly sinceMs?: number
  readonly actor?: string
  readonly subject?: string
}

/** Most entries of one report, the newest ones. */
const LIMIT = 100_000

/** The recoveries that took place, oldest first. Refused attempts are no recoveries. */
export async function reportRecoveries(db: Database, query: ReportQuery): Promise<readonly Recovery[]> {
  const records = await listAudit(db, { ...query, action: "release", limit: LIMIT })
  const releases = records.filter((record) => outcomeOf(record).outcome === "done").reverse()
  const approvers = await approversOf(
    db,
    releases.flatMap(({ requestId }) => requestId ?? []),
  )
  return releases.flatMap((record) => {
    const { subjects } = outcomeOf(record)
    const concerned = record.subject === null ? subjects : [record.subject]
    // The database looked for the name in the text of the details; here it is exact.
    if (query.subject !== undefined && !concerned.includes(query.subject)) return []
    const { position, atMicros, actor, tokens, reason, ticket, requestId } = record
    const approvedBy = approvers.get(requestId ?? "") ?? []
    return {
      position,
      atMicros,
      actor,
      subjects: concerned,
      originals: tokens,
      reason,
      ticket,
      requestId,
      approvedBy,
    }
  })
}

async function approversOf(
  db: Database,
  requests: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const { rows } = await asAuditor(() =>
    sql<{ request: string; actor: string; details: string | null }>`
      select request_id::text as request, actor, details from vault.audit
      where action = 'approve' and request_id = any (${requests}::uuid[]) order by position`.execute(db),
  )
  const approvers = new Map<string, string[]>()
  for (const row of rows) {
    if (outcomeOf(row).outcome !== "done") continue
    approvers.set(row.request, [...(approvers.get(row.request) ?? []), row.actor])
  }
  return approvers
}
