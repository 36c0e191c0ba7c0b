import type { DrainEvent, Outcome } from "../../drain-event.ts"
import { counted } from "../format.ts"

export type DrainState = "connecting" | "draining" | "idle" | "paused" | "stopping" | "failed" | "finished"

/** What a run is doing: one word, and a sentence where the word alone does not say enough. */
export interface Doing {
  readonly state: DrainState
  readonly note: string | null
}

export const CONNECTING: Doing = { state: "connecting", note: null }
export const STOPPING: Doing = { state: "stopping", note: "finishing what is in hand" }

const ENDED: Record<Outcome, Doing> = {
  empty: { state: "finished", note: "the queue is empty" },
  bounded: { state: "finished", note: "the bound was reached" },
  stopped: { state: "finished", note: "stopped before the queue was empty" },
  failed: { state: "failed", note: null },
}

/**
 * What a run is doing after an event. Work goes on while a pause or a stop
 * takes hold, and must not hide them; only the end comes after a stop.
 *
 * @param inHand - Messages received and not settled, after the event.
 */
export function afterEvent(doing: Doing, event: DrainEvent, inHand: number): Doing {
  if (event.type === "finished") return ENDED[event.outcome]
  if (doing.state === "stopping" || doing.state === "finished" || doing.state === "failed") return doing
  switch (event.type) {
    case "stopping":
      return STOPPING
    case "paused":
      return { state: "paused", note: "p takes in messages again" }
    case "resumed":
      return { state: "draining", note: null }
  }
  if (doing.state === "paused") return doing
  switch (event.type) {
    case "received":
    case "stored":
      return doing.state === "draining" ? doing : { state: "draining", note: null }
    case "empty-poll":
      return inHand > 0 || doing.state === "idle"
        ? doing
        : { state: "idle", note: "nothing comes from the queue" }
    case "waiting-for-others":
      return { state: "idle", note: `others hold ${counted(event.inFlight, "message")} of this queue` }
    default:
      return doing
  }
}
