import type { Recovered } from "../recover/release.ts"
import type { RecoveryRequest } from "../recover/request.ts"
import { columns } from "./columns.ts"

/** Originals as a table. What a terminal would obey is shown escaped; `--json` gives it exactly. */
export function originalsText(originals: readonly Recovered[]): string {
  return columns([
    ["SUBJECT", "FIELD", "ORIGINAL", "TOKEN"],
    ...originals.map((original) => [
      original.subject,
      original.field,
      original.value ?? "(does not open)",
      mark(original),
    ]),
  ])
}

function mark({ value, verified }: Recovered): string {
  if (value === null) return ""
  if (verified === null) return "not checked"
  return verified ? "agrees" : "DIFFERS"
}

/** A request, one property a line. */
export function requestText(request: RecoveryRequest): string {
  const { approvals, approvalsNeeded } = request
  return columns([
    ["request", request.id],
    ["state", request.state],
    ["approvals", `${approvals.length} of ${approvalsNeeded}`],
    ...approvals.map(({ by, atMs }) => ["approved by", `${by} at ${new Date(atMs).toISOString()}`]),
    ["wants", wants(request)],
    ["reason", request.reason],
    ...(request.ticket === null ? [] : [["ticket", request.ticket]]),
    ["requested by", `${request.requester} at ${new Date(request.createdAtMs).toISOString()}`],
    ["good until", new Date(request.expiresAtMs).toISOString()],
  ])
}

/** Requests, one a line. */
export function requestsText(requests: readonly RecoveryRequest[]): string {
  return columns([
    ["REQUEST", "BY", "WANTS", "APPROVALS", "GOOD UNTIL", "TICKET", "REASON"],
    ...requests.map((request) => [
      request.id,
      request.requester,
      wants(request),
      `${request.approvals.length} of ${request.approvalsNeeded}`,
      new Date(request.expiresAtMs).toISOString(),
      request.ticket ?? "",
      request.reason,
    ]),
  ])
}

function wants({ subject, tokens }: RecoveryRequest): string {
  const count = `${tokens.length} token${tokens.length === 1 ? "" : "s"}`
  if (subject === null) return count
  return tokens.length === 0 ? `subject ${subject}` : `${count} of subject ${subject}`
}
