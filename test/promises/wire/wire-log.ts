import type { Saying } from "./sayings.ts"

/** What reached the other side, in order. A run is one life of one process. */
export interface Logged {
  readonly run: number
  readonly saying: Saying
}

/** @returns Ids that a process deleted before it had the answer to the COMMIT of a transaction that wrote them. */
export function deletedTooEarly(log: readonly Logged[]): readonly string[] {
  const committed = new Map<number, Set<string>>()
  const early: string[] = []
  for (const { run, saying } of log) {
    const known = committed.get(run) ?? new Set()
    committed.set(run, known)
    if (saying.kind === "committed") for (const id of saying.ids) known.add(id)
    if (isCall(saying, "DeleteMessageBatch")) early.push(...saying.ids.filter((id) => !known.has(id)))
  }
  return early
}

/** @returns Ids whose visibility a process extended although it had asked for their deletion before. */
export function extendedTooLate(log: readonly Logged[]): readonly string[] {
  const deleted = new Map<number, Set<string>>()
  const late: string[] = []
  for (const { run, saying } of log) {
    const gone = deleted.get(run) ?? new Set()
    deleted.set(run, gone)
    if (isCall(saying, "DeleteMessageBatch")) for (const id of saying.ids) gone.add(id)
    if (isCall(saying, "ChangeMessageVisibilityBatch")) late.push(...saying.ids.filter((id) => gone.has(id)))
  }
  return late
}

/** How many messages were asked to be deleted. */
export function deletes(log: readonly Logged[]): number {
  return log.reduce(
    (sum, { saying }) => sum + (isCall(saying, "DeleteMessageBatch") ? saying.ids.length : 0),
    0,
  )
}

function isCall(saying: Saying, operation: string): saying is Extract<Saying, { kind: "request" }> {
  return saying.kind === "request" && saying.operation === operation
}
