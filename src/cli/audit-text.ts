import { outcomeOf } from "../audit/outcome.ts"
import type { AuditRecord } from "../audit/record.ts"
import type { Recovery } from "../audit/report.ts"
import { columns } from "./columns.ts"

/** Records, one a line. */
export function recordsText(records: readonly AuditRecord[]): string {
  return columns([
    ["NO", "TIME", "BY", "ACTION", "OUTCOME", "ABOUT", "TICKET", "REQUEST", "REASON"],
    ...records.map((record) => [
      String(record.position),
      timeText(record.atMicros),
      record.actor,
      record.action,
      outcomeText(record),
      aboutText(record),
      record.ticket ?? "",
      record.requestId ?? "",
      record.reason ?? "",
    ]),
  ])
}

/** Recoveries, one a line. */
export function reportText(recoveries: readonly Recovery[]): string {
  return columns([
    ["TIME", "BY", "ORIGINALS", "OF", "APPROVED BY", "TICKET", "REASON"],
    ...recoveries.map((recovery) => [
      timeText(recovery.atMicros),
      recovery.actor,
      String(recovery.originals),
      recovery.subjects.join(", "),
      recovery.approvedBy.join(", ") || "nobody",
      recovery.ticket ?? "",
      recovery.reason ?? "",
    ]),
  ])
}

/** To the second, UTC. A time that no calendar has, which only tampering leaves, is shown as such. */
function timeText(atMicros: number): string {
  const date = new Date(atMicros / 1_000)
  return Number.isNaN(date.getTime()) ? "?" : date.toISOString().replace(/\.\d+Z$/, "Z")
}

function outcomeText(record: AuditRecord): string {
  const { outcome, why } = outcomeOf(record)
  return why === null ? outcome : `${outcome}: ${why}`
}

function aboutText({ subject, tokens }: AuditRecord): string {
  const count = tokens === 0 ? "" : `${tokens} token${tokens === 1 ? "" : "s"}`
  if (subject === null) return count
  return count === "" ? subject : `${subject}, ${count}`
}
