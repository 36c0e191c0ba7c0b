import type { DrainEvent, Totals } from "../drain-event.ts"
import { UserError } from "../errors.ts"
import type { Alert } from "./alert.ts"

/** What the log can tell of. There is no line of free text with free fields: what is not here cannot be logged. */
export type Happening =
  | DrainEvent
  | {
      readonly type: "draining"
      readonly queue: string
      readonly table: string
      readonly follow: boolean
      readonly vault: boolean
    }
  | { readonly type: "serving"; readonly url: string }
  /** A sentence of ours about the set-up. */
  | { readonly type: "doubt"; readonly sentence: string }
  | { readonly type: "not-tidied" }
  | {
      readonly type: "ended"
      readonly totals: Totals
      readonly outcome: string
      readonly durationMs: number
      readonly exitStatus: number
    }
  | { readonly type: "failed"; readonly error: unknown; readonly exitStatus: number }
  | { readonly type: "alert"; readonly alert: Alert }
  | { readonly type: "not-told"; readonly kind: Alert["kind"]; readonly code: string }
  | { readonly type: "not-watched"; readonly what: "dead-letter queue"; readonly code: string }
  | { readonly type: "unlogged"; readonly rejected: number }

/** Every field that a line may have. None of them holds a value of an event. */
export interface Fields {
  readonly table?: string
  readonly follow?: boolean
  readonly vault?: boolean
  readonly url?: string
  readonly messageId?: string
  readonly reason?: string
  readonly field?: string
  readonly dependency?: string
  readonly call?: string
  readonly code?: string
  readonly attempt?: number
  readonly delayMs?: number
  readonly count?: number
  readonly failed?: number
  readonly lost?: number
  readonly received?: number
  readonly stored?: number
  readonly duplicates?: number
  readonly quarantined?: number
  readonly left?: number
  readonly retried?: number
  readonly originals?: number
  readonly rejections?: Readonly<Record<string, number>>
  readonly durationMs?: number
  readonly cause?: string
  readonly outcome?: string
  readonly exitStatus?: number
  readonly kind?: string
  readonly state?: string
  readonly hint?: string
  readonly error?: string
  readonly sqlState?: string
  readonly constraint?: string
  readonly column?: string
  readonly request?: string
  readonly actor?: string
}

export type Level = "error" | "warn" | "info" | "debug"

export interface LogLine {
  readonly level: Level
  /** In plain words. */
  readonly message: string
  readonly fields: Fields
  /** For machines alone: people are told the same by other means. */
  readonly forMachines?: true
}

export function lineOf(happening: Happening): LogLine {
  const line = (level: Level, message: string, fields: Fields = {}): LogLine => ({ level, message, fields })
  switch (happening.type) {
    case "draining": {
      const { queue, table, follow, vault } = happening
      return line("info", `draining ${queue} into ${table}`, { table, follow, vault })
    }
    case "serving":
      return line("info", `serving ${happening.url}/metrics`, { url: happening.url })
    case "doubt":
      return line("warn", happening.sentence)
    case "not-tidied":
      // What is past its time does no harm for another day.
      return line("warn", "could not remove what is past its time; the next run tries again")
    case "received": {
      const { count, durationMs } = happening
      return line("debug", `received ${count}`, { count, durationMs })
    }
    case "rejected": {
      const { messageId, rejection } = happening
      const { reason, field } = rejection
      return line("info", `rejected ${messageId}: ${reason} ${field}`, { messageId, reason, field })
    }
    case "unlogged":
      return line("info", `${happening.rejected} more were rejected in the last minute`, {
        count: happening.rejected,
      })
    case "stored": {
      const { stored, duplicates, quarantined, originals, durationMs } = happening
      return line("debug", `stored ${stored}`, { stored, duplicates, quarantined, originals, durationMs })
    }
    case "acknowledged": {
      const { count, failed, durationMs } = happening
      if (failed === 0) return line("debug", `deleted ${count}`, { count, durationMs })
      const words = "stored messages could not be deleted from the queue: they come again, as duplicates"
      return line("warn", `${failed} ${words}`, { count, failed, durationMs })
    }
    case "left": {
      const { count, reason } = happening
      const isNews = reason === "damaged" || reason === "not-committed"
      return line(isNews ? "warn" : "debug", `${count} messages stay in the queue: ${reason}`, {
        count,
        reason,
      })
    }
    case "retrying": {
      const { service, call, code, attempt, delayMs } = happening
      const words = `the ${service} failed (${call}, ${code}); try ${attempt + 1} in ${delayMs} ms`
      return line("warn", words, { dependency: service, call, code, attempt, delayMs })
    }
    case "heartbeat": {
      const { count, lost } = happening
      if (lost > 0)
        return line("warn", `${lost} messages are no longer ours to hold: they may come again`, {
          count,
          lost,
        })
      return line(
        "debug",
        happening.failed ? "could not hold all messages; the next beat tries again" : `holding ${count}`,
        { count },
      )
    }
    case "empty-poll":
      return line("debug", "nothing came", { count: happening.consecutive })
    case "waiting-for-others":
      return line("info", `waiting for ${happening.inFlight} messages that other consumers hold`, {
        count: happening.inFlight,
      })
    case "paused":
      return line("info", "the intake is paused")
    case "resumed":
      return line("info", "the intake goes on")
    case "stopping": {
      const { cause } = happening
      return cause === "signal"
        ? line("info", "stopping: finishing what is in hand; once more to leave now", { cause })
        : line("debug", "stopping", { cause })
    }
    case "finished":
      return line("debug", "finished", { outcome: happening.outcome, count: happening.heldByOthers })
    case "ended": {
      const { totals, outcome, durationMs, exitStatus } = happening
      return {
        ...line("info", `ended: ${outcome}`, { outcome, ...totals, durationMs, exitStatus }),
        forMachines: true,
      }
    }
    case "failed":
      return { ...failureLine(happening.error, happening.exitStatus), forMachines: true }
    case "alert": {
      const { kind, state, words, request, actor, count } = happening.alert
      const fields = {
        kind,
        state,
        ...(request !== undefined && { request }),
        ...(actor !== undefined && { actor }),
        ...(count !== undefined && { count }),
      }
      const told = line(state === "ok" ? "info" : "warn", words, fields)
      return kind === "run-failed" ? { ...told, forMachines: true } : told
    }
    case "not-told":
      return line("warn", `the alert ${happening.kind} could not be sent (${happening.code})`, {
        kind: happening.kind,
        code: happening.code,
      })
    case "not-watched":
      return line("warn", `cannot look into the ${happening.what} (${happening.code})`, {
        code: happening.code,
      })
  }
}

/** Of an error nobody foresaw only the class and the code: its message may repeat data. */
function failureLine(error: unknown, exitStatus: number): LogLine {
  const level = "error"
  if (error instanceof UserError) {
    const { message, kind, hint, database } = error
    return { level, message, fields: { kind, ...(hint !== undefined && { hint }), ...database, exitStatus } }
  }
  const name = error instanceof Error ? error.constructor.name : typeof error
  const code = error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : null
  return {
    level,
    message: "a bug in peppermill",
    fields: { kind: "bug", error: name, ...(code !== null && { code }), exitStatus },
  }
}
