import { UserError } from "../errors.ts"
import type { Source } from "../source/source.ts"
import type { Alerts } from "./alerts.ts"
import type { Log } from "./log.ts"

/**
 * A look into the dead-letter queue, as often as it is asked for, one at a time.
 * The first refusal ends it, and is told once: not everybody may look.
 *
 * @param open - Opens the queue when it is first looked at.
 * @returns The look. It never rejects.
 */
export function createDeadLetterLook(
  open: () => Promise<Pick<Source, "counts">>,
  { alerts, log }: { readonly alerts: Pick<Alerts, "raise">; readonly log: Log },
): () => Promise<void> {
  let opened: Promise<Pick<Source, "counts">> | undefined
  let looking: Promise<void> | null = null
  let isRefused = false

  async function look(): Promise<void> {
    try {
      opened ??= open()
      const { visible, inFlight, delayed } = await (await opened).counts()
      const count = visible + inFlight + delayed
      const words =
        count === 0 ? "the dead-letter queue is empty" : `the dead-letter queue holds ${count} messages`
      alerts.raise({ kind: "dead-letters", state: count === 0 ? "ok" : "alarm", words, count })
    } catch (error) {
      // What does not answer may answer at the next look.
      if (error instanceof UserError && error.kind === "unavailable") return
      isRefused = true
      const code = error instanceof UserError ? error.kind : "bug"
      log.tell({ type: "not-watched", what: "dead-letter queue", code })
    }
  }

  return async () => {
    if (isRefused) return
    looking ??= look().finally(() => {
      looking = null
    })
    await looking
  }
}
