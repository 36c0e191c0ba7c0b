import type { AuditRecord } from "./record.ts"

/** How an action ended, as its record's details tell it. */
export interface Outcome {
  readonly outcome: "done" | "refused"
  /** Why it was refused. */
  readonly why: string | null
  /** Whose originals a release brought. */
  readonly subjects: readonly string[]
}

/** Read a record's details. Whatever is not as we write it counts as absent: somebody may have edited it. */
export function outcomeOf({ details }: Pick<AuditRecord, "details">): Outcome {
  const { outcome, why, subjects } = parse(details)
  return {
    outcome: outcome === "refused" ? "refused" : "done",
    why: typeof why === "string" ? why : null,
    subjects: Array.isArray(subjects) ? subjects.filter((subject) => typeof subject === "string") : [],
  }
}

function parse(details: string | null): Record<string, unknown> {
  try {
    const json: unknown = JSON.parse(details ?? "{}")
    return typeof json === "object" && json !== null ? (json as Record<string, unknown>) : {}
  } catch {
    return {}
  }
}
