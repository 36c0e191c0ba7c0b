import type { DrainControl } from "../drain-control.ts"
import type { DrainEvent } from "../drain-event.ts"
import type { Bell } from "../time/bell.ts"
import type { Clock } from "../time/clock.ts"
import { createEmptyProof, judgeCounts } from "./empty-proof.ts"
import { createPollers } from "./pollers.ts"
import type { Received, Source } from "./source.ts"

/** SQS gives at most 10 messages for one receive. */
const MAX_RECEIVE = 10

export interface IntakeOptions {
  readonly source: Source
  readonly clock: Clock
  readonly control: DrainControl
  readonly bell: Bell
  readonly limits: {
    /** Receives under way at most. */
    readonly pollers: number
    readonly waitSeconds: number
    readonly emptyPolls: number
    readonly timeoutSeconds: number
    readonly follow: boolean
    readonly maxMessages: number | null
  }
  readonly emit: (event: DrainEvent) => void
  /** Whether more may be taken in hand. */
  readonly hasRoom: () => boolean
  /** Whether nothing is in hand and nothing waits to be acknowledged. */
  readonly isIdle: () => boolean
  /** Messages this run left in the queue: they are hidden, and no reason to wait. */
  readonly leftByUs: () => number
  /** Take what came. Resolves with how many messages were not seen before. */
  readonly take: (received: Received, durationMs: number) => Promise<number>
  readonly onHeldByOthers: (count: number) => void
}

/**
 * The receives, and the end of the drain: as many long polls side by side as
 * the queue keeps busy, while there is room; and the drain is told to stop once
 * the queue is shown to be empty, or a bound is reached.
 */
export function createIntake(options: IntakeOptions): { run(): Promise<void> } {
  const { source, clock, control, bell, limits, emit } = options
  const proof = createEmptyProof(limits.emptyPolls)
  // The proof's polls may go side by side.
  const pollers = createPollers({ least: limits.emptyPolls, most: limits.pollers })
  const underWay = new Set<Promise<void>>()
  let received = 0
  let reserved = 0
  let lastMessageAtMs = clock.now()

  const budget = () => (limits.maxMessages ?? Number.POSITIVE_INFINITY) - received - reserved
  const mayPoll = () =>
    underWay.size < pollers.wanted &&
    !control.paused &&
    options.hasRoom() &&
    budget() > 0 &&
    (limits.follow || proof.wantsPoll())

  const mayJudge = () => proof.complete() && options.isIdle() && !control.paused

  async function poll(): Promise<void> {
    const wanted = Math.min(MAX_RECEIVE, budget())
    reserved += wanted
    const began = proof.began()
    const startedMs = clock.now()
    // Never cut short: the messages of an aborted long poll stay hidden until the visibility timeout.
    const answer = await source.receive(wanted, limits.waitSeconds)
    pollers.came(wanted, answer.deliveries.length + answer.damaged)
    const news = await options.take(answer, clock.now() - startedMs)
    // Only now, in one go: a place given up before its message is counted would be taken twice.
    reserved -= wanted
    received += news + answer.damaged
    proof.ended(began, news > 0)
    if (news > 0) lastMessageAtMs = clock.now()
    else emit({ type: "empty-poll", consecutive: proof.consecutive })
    if (limits.maxMessages !== null && received >= limits.maxMessages) control.stop("bound")
  }

  /** Keeps polls under way. Ends with the last of them, so that nothing comes in behind our back. */
  async function receive(): Promise<void> {
    let failure: { readonly error: unknown } | undefined
    for (;;) {
      while (control.stopping === null && !mayPoll()) await bell.rung()
      if (control.stopping !== null) break
      const one: Promise<void> = poll()
        .catch((error: unknown) => {
          failure ??= { error }
          control.stop("failed")
        })
        .finally(() => {
          underWay.delete(one)
          bell.ring()
        })
      underWay.add(one)
    }
    await Promise.all(underWay)
    if (failure !== undefined) throw failure.error
  }

  /** Ends the drain when it is proved empty. */
  async function watch(): Promise<void> {
    for (;;) {
      while (control.stopping === null && !mayJudge()) await bell.rung()
      if (control.stopping !== null) return
      const counts = await source.counts()
      const verdict = judgeCounts(counts, options.leftByUs())
      if (verdict === "empty") return control.stop("empty")
      const held = counts.inFlight - options.leftByUs()
      if (clock.now() - lastMessageAtMs >= limits.timeoutSeconds * 1000) {
        options.onHeldByOthers(Math.max(0, held))
        return control.stop("held")
      }
      if (verdict === "held-by-others") emit({ type: "waiting-for-others", inFlight: held })
      proof.restart()
      bell.ring()
    }
  }

  return {
    async run() {
      const tasks = limits.follow ? [receive()] : [receive(), watch()]
      // One that fails stops the other, and both are waited for.
      for (const task of tasks) task.catch(() => control.stop("failed"))
      const results = await Promise.allSettled(tasks)
      const failed = results.find((result) => result.status === "rejected")
      if (failed !== undefined) throw failed.reason
    },
  }
}
