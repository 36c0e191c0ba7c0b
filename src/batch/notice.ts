import type { DrainEvent } from "../drain-event.ts"

/**
 * What a person watching a batch should read while it runs, or null when the
 * event says nothing that the summary does not.
 */
export function noticeOf(event: DrainEvent): string | null {
  switch (event.type) {
    case "retrying":
      return `the ${event.service} failed (${event.call}, ${event.code}); try ${event.attempt + 1} in ${event.delayMs} ms`
    case "acknowledged":
      return event.failed === 0
        ? null
        : `${event.failed} stored messages could not be deleted from the queue: they come again, as duplicates`
    case "waiting-for-others":
      return `waiting for ${event.inFlight} messages that other consumers hold`
    case "heartbeat":
      return event.lost === 0
        ? null
        : `${event.lost} messages are no longer ours to hold: they may come again`
    case "stopping":
      return event.cause === "signal" ? "stopping: finishing what is in hand; once more to leave now" : null
    default:
      return null
  }
}
