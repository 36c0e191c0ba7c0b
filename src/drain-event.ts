import type { Rejection } from "./decode/event-shape.ts"
import type { StopCause } from "./drain-control.ts"

/** Why a message stays in the queue although we have received it. */
export type LeftReason = "rejected" | "damaged" | "dry-run" | "not-committed"

/**
 * What happened, in the order it happened. Every surface is a fold over these.
 * No event carries a value, a body, a token or a receipt.
 */
export type DrainEvent =
  | { type: "received"; count: number; durationMs: number; oldestSentAtMs: number | null }
  | { type: "rejected"; messageId: string; rejection: Rejection }
  | {
      type: "stored"
      stored: number
      duplicates: number
      quarantined: number
      originals: number
      durationMs: number
    }
  | { type: "acknowledged"; count: number; failed: number; durationMs: number }
  | { type: "left"; count: number; reason: LeftReason }
  | {
      type: "retrying"
      service: "queue" | "database"
      call: string
      code: string
      attempt: number
      delayMs: number
    }
  | { type: "heartbeat"; count: number; lost: number; failed: boolean }
  | { type: "empty-poll"; consecutive: number }
  | { type: "waiting-for-others"; inFlight: number }
  | { type: "paused" }
  | { type: "resumed" }
  | { type: "stopping"; cause: StopCause }
  | { type: "finished"; outcome: Outcome; heldByOthers: number }

/** `stopped`: by a signal, or others still hold messages. */
export type Outcome = "empty" | "bounded" | "stopped" | "failed"

/** `received = stored + duplicates + quarantined + left`, at the end of every run. */
export interface Totals {
  readonly received: number
  readonly stored: number
  readonly duplicates: number
  readonly quarantined: number
  readonly left: number
  readonly originals: number
  readonly retried: number
  readonly rejections: Readonly<Record<string, number>>
}

export const NO_TOTALS: Totals = {
  received: 0,
  stored: 0,
  duplicates: 0,
  quarantined: 0,
  left: 0,
  originals: 0,
  retried: 0,
  rejections: {},
}

export function addEvent(totals: Totals, event: DrainEvent): Totals {
  switch (event.type) {
    case "received":
      return { ...totals, received: totals.received + event.count }
    case "rejected": {
      const { reason } = event.rejection
      const count = (totals.rejections[reason] ?? 0) + 1
      return { ...totals, rejections: { ...totals.rejections, [reason]: count } }
    }
    case "stored":
      return {
        ...totals,
        stored: totals.stored + event.stored,
        duplicates: totals.duplicates + event.duplicates,
        quarantined: totals.quarantined + event.quarantined,
        originals: totals.originals + event.originals,
      }
    case "left":
      return { ...totals, left: totals.left + event.count }
    case "retrying":
      return { ...totals, retried: totals.retried + 1 }
    default:
      return totals
  }
}
