import { count, duration, roughly } from "../format.ts"
import type { DrainState } from "../meter/drain-state.ts"
import type { DrainView } from "../meter/drain-view.ts"
import type { Weight } from "../meter/happenings.ts"
import type { Model } from "../model.ts"
import type { Tone } from "./spans.ts"

export const STATE_TONES: Record<DrainState, Tone> = {
  connecting: "accent",
  draining: "good",
  idle: "plain",
  paused: "warn",
  stopping: "warn",
  failed: "bad",
  finished: "good",
}

export const WEIGHT_TONES: Record<Weight, Tone> = { plain: "plain", good: "good", warn: "warn", bad: "bad" }

/** The state of the run in one word. */
export function stateWord(model: Model): DrainState | "not set up" {
  if (model.missing.drain !== null) return "not set up"
  return model.drain.view?.doing.state ?? "connecting"
}

/** What the run is doing, in one sentence. */
export function sentence(view: DrainView): string {
  const { state, note } = view.doing
  switch (state) {
    case "connecting":
      return "Asking the queue for messages."
    case "draining":
      return `Draining ${count(view.rate)} messages a second${outlookWords(view)}.`
    case "idle":
      return `Idle: ${note ?? "nothing comes from the queue"}.`
    case "paused":
      return `Paused: no more messages are asked for; ${count(view.inHand)} in hand are being finished. ${note ?? ""}.`
    case "stopping":
      return `Stopping: ${note ?? "finishing what is in hand"}.`
    case "failed":
      return `Failed: ${view.failure?.message ?? "the run could not go on"}.`
    case "finished":
      return `Finished after ${duration((view.endedMs ?? view.atMs) - view.startedMs)}: ${note ?? "done"}. r drains again, q leaves.`
  }
}

function outlookWords({ outlook }: DrainView): string {
  if (outlook.kind === "in") return `; empty in about ${roughly(outlook.ms)}`
  return outlook.kind === "growing" ? "; the queue fills faster than it is drained" : ""
}
