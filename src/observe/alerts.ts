import type { DrainEvent } from "../drain-event.ts"
import type { Alert } from "./alert.ts"
import type { Log } from "./log.ts"

export interface Thresholds {
  /** Of the messages received in a window; null: never. */
  readonly rejectPercent: number | null
  /** null: never. */
  readonly oldestMessageSeconds: number | null
}

/** Sends an alert to whoever is to hear it. Rejects when it cannot; it always settles. */
export type SendAlert = (alert: Alert) => Promise<void>

/** Alerts on changes: of each kind, only what was not so before is told. */
export interface Alerts {
  see(event: DrainEvent): void
  /** Judge what has come since the last look. */
  look(): void
  /** Tell it if it is news. It returns at once, and never throws. */
  raise(alert: Alert): void
  /** Resolves once everything has been sent, or after `ms`: then the log says what was not. */
  settle(ms: number): Promise<void>
}

/** Fewer messages than this say nothing about a rate, but at the end of a run. */
const FEWEST = 20
/** Alerts that wait to be sent. There are six kinds, so more would be a bug of ours. */
const MAX_WAITING = 50

/** @param send - null: alerts stand in the log alone. */
export function createAlerts(
  thresholds: Thresholds,
  { log, send, now }: { log: Log; send: SendAlert | null; now: () => number },
): Alerts {
  const alarms = new Set<Alert["kind"]>()
  const waiting: Alert[] = []
  let sending: Promise<void> | null = null
  const window = { received: 0, rejected: 0, polls: 0, oldestSeconds: 0 }

  async function sendAll(): Promise<void> {
    for (let alert = waiting[0]; alert !== undefined; alert = waiting[0]) {
      await send?.(alert).catch((error: unknown) => notTold(alert as Alert, codeOf(error)))
      waiting.shift()
    }
    sending = null
  }

  const notTold = ({ kind }: Alert, code: string) => log.tell({ type: "not-told", kind, code })

  function raise(alert: Alert): void {
    const { kind, state } = alert
    // A recovery is an event, not a state: each one is told.
    if (kind !== "recovery" && (state === "alarm") === alarms.has(kind)) return
    if (state === "alarm") alarms.add(kind)
    else alarms.delete(kind)
    log.tell({ type: "alert", alert })
    if (send === null) return
    if (waiting.length >= MAX_WAITING) {
      notTold(alert, "too many wait")
      return
    }
    waiting.push(alert)
    sending ??= sendAll()
  }

  function judgeRejects(fewest: number): void {
    const { rejectPercent } = thresholds
    const { received, rejected } = window
    if (received < fewest) return
    window.received = 0
    window.rejected = 0
    if (rejectPercent === null) return
    const percent = (rejected / received) * 100
    const told = `${rejected} of ${received} messages were rejected`
    if (percent > rejectPercent) {
      const words = `${told}: more than ${rejectPercent} percent`
      raise({ kind: "reject-rate", state: "alarm", words, count: rejected })
    } else {
      raise({ kind: "reject-rate", state: "ok", words: `${told}: no more than ${rejectPercent} percent` })
    }
  }

  function judgeAge(): void {
    const { oldestMessageSeconds } = thresholds
    if (oldestMessageSeconds === null || window.polls === 0) return
    if (window.oldestSeconds > oldestMessageSeconds) {
      const words = `messages come that are older than ${oldestMessageSeconds} seconds`
      raise({ kind: "oldest-message", state: "alarm", words })
    } else {
      const words = `messages are no older than ${oldestMessageSeconds} seconds`
      raise({ kind: "oldest-message", state: "ok", words })
    }
    window.oldestSeconds = 0
    window.polls = 0
  }

  return {
    see(event) {
      switch (event.type) {
        case "received":
          window.received += event.count
          window.polls++
          if (event.oldestSentAtMs === null) return
          window.oldestSeconds = Math.max(window.oldestSeconds, (now() - event.oldestSentAtMs) / 1000)
          return
        case "empty-poll":
          window.polls++
          return
        case "rejected":
          window.rejected++
          return
        case "finished":
          judgeRejects(1)
          judgeAge()
      }
    },
    look() {
      judgeRejects(FEWEST)
      judgeAge()
    },
    raise,
    async settle(ms) {
      let timer: NodeJS.Timeout | undefined
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, ms)
      })
      await Promise.race([sending, late])
      clearTimeout(timer)
      if (sending !== null) for (const alert of waiting.splice(0)) notTold(alert, "no answer in time")
    },
  }
}

/** AWS's name of an error. It comes over the network, so only a name-like one is repeated. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "no error"
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined
  const name = error.name === "Error" && code !== undefined ? code : error.name
  return /^[A-Za-z0-9_.]{1,64}$/.test(name) ? name : "an error without a name"
}
