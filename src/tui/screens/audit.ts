import type { Action } from "../action.ts"
import { textOf } from "../entry.ts"
import { LIST, type List, listAfter, matching } from "../list.ts"
import { type Answer, answered, type Loaded, loading, UNLOADED } from "../loaded.ts"
import type { AuditRecord } from "../ports.ts"

/** Records fetched at a time. */
export const PAGE = 200

export interface Audit {
  /** Newest first: as many pages as were asked for. */
  readonly records: Loaded<readonly AuditRecord[]>
  /** What the records were fetched for. */
  readonly query: string
  readonly hasOlder: boolean
  readonly list: List
  readonly open: AuditRecord | null
}

export const AUDIT: Audit = { records: UNLOADED, query: "", hasOlder: false, list: LIST, open: null }

export interface AuditEffect {
  readonly type: "audit-records"
  readonly filter: string
  readonly before: number | null
}

export interface AuditNews {
  readonly type: "records"
  readonly filter: string
  readonly before: number | null
  readonly answer: Answer<readonly AuditRecord[]>
}

type Next = readonly [Audit, readonly AuditEffect[]]

/** The database looks into more than a record shows: what it answered to a filter is not narrowed again. */
export function shownRecords({ list, query, records }: Audit): readonly AuditRecord[] {
  const all = records.value ?? []
  const isAnswered = !records.isLoading && textOf(list.filter).trim() === query
  return isAnswered ? all : matching(list, all, (record) => Object.values(record).join(" "))
}

export function auditEntered(audit: Audit): Next {
  return fetched(audit, null)
}

function fetched(audit: Audit, before: number | null): Next {
  const query = textOf(audit.list.filter).trim()
  return [
    { ...audit, query, records: loading(audit.records) },
    [{ type: "audit-records", filter: query, before }],
  ]
}

export function auditAfter(audit: Audit, action: Action): Next {
  if (audit.open !== null)
    return [action.type === "back" || action.type === "open" ? { ...audit, open: null } : audit, []]
  if (action.type === "again") return fetched(audit, null)
  const records = shownRecords(audit)
  const list = listAfter(audit.list, action, records.length)
  if (list !== null) {
    const next = { ...audit, list }
    // The filter is tried on what is here while it is typed; the database answers once it stands.
    if (!list.isFiltering && textOf(list.filter).trim() !== audit.query) return fetched(next, null)
    const last = records.at(-1)
    const isAtEnd = last !== undefined && list.cursor >= records.length - 1
    if (isAtEnd && !list.isFiltering && audit.hasOlder && !audit.records.isLoading)
      return fetched(next, last.position)
    return [next, []]
  }
  const record = records[Math.min(audit.list.cursor, records.length - 1)]
  return [action.type === "open" && record !== undefined ? { ...audit, open: record } : audit, []]
}

export function auditTold(audit: Audit, news: AuditNews, nowMs: number): Audit {
  if (news.filter !== audit.query) return audit
  const records = answered(audit.records, news.answer, nowMs)
  if (!news.answer.ok) return { ...audit, records }
  const hasOlder = news.answer.value.length === PAGE
  if (news.before === null) return { ...audit, records, hasOlder }
  const newer = audit.records.value ?? []
  return { ...audit, records: { ...records, value: [...newer, ...news.answer.value] }, hasOlder }
}
