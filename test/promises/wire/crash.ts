import type { RunOptions } from "../../binary.ts"
import type { Differences } from "./checker.ts"
import type { Saying } from "./sayings.ts"
import { drainUntilEmpty, killAt, openSite, type Site, type Worker } from "./site.ts"
import { deletedTooEarly, deletes } from "./wire-log.ts"

/** Where on the wire a process dies. */
export interface Point {
  readonly n: number
  readonly when: "before" | "after"
  /** Just around a COMMIT or a delete: where a bug of their order would show. */
  readonly isCritical: boolean
}

export interface Crashed extends Differences {
  readonly kills: number
  readonly deletes: number
  /** Of those, before the answer to their COMMIT. */
  readonly early: number
  /** Messages still in the queue. */
  readonly left: number
}

/** Three batches. */
export const MESSAGES = 30

/** One poller and one batch at a time, so that a chunk's number means much the same in every run. */
export function openCrashSite(seed: number, program?: NonNullable<RunOptions["program"]>): Promise<Site> {
  return openSite({
    seed,
    ...(program && { program }),
    set: { QUEUE_POLLERS: "1", BATCH_ROWS: "10", BATCH_IN_FLIGHT: "1", DATABASE_POOL_SIZE: "1" },
    visibilityMs: 300,
  })
}

/** All points of a run that nobody kills. */
export async function pointsOf(site: Site, worker: Worker): Promise<readonly Point[]> {
  const turns: number[] = []
  site.send(MESSAGES)
  await drainUntilEmpty(worker, [
    () => (chunk) => {
      if (chunk.says.some(isTurn)) turns.push(chunk.n)
      return "pass"
    },
  ])
  return Array.from({ length: worker.wire.chunks }, (_, at) => at + 1).flatMap((n) => {
    const isCritical = turns.some((turn) => Math.abs(turn - n) <= 1)
    return [
      { n, when: "before" as const, isCritical },
      { n, when: "after" as const, isCritical },
    ]
  })
}

const isTurn = (saying: Saying) =>
  saying.kind === "commit" ||
  saying.kind === "committed" ||
  (saying.kind === "request" && saying.operation === "DeleteMessageBatch")

/** Kill one run at the point, let others finish, and look what there is. */
export async function crashAt(
  site: Site,
  worker: Worker,
  { n, when }: Pick<Point, "n" | "when">,
): Promise<Crashed> {
  await site.reset()
  site.send(MESSAGES)
  const ends = await drainUntilEmpty(worker, [killAt(n, when)])
  const { visible, inFlight } = site.queue.countNow()
  return {
    ...(await site.check()),
    left: visible + inFlight,
    early: deletedTooEarly(site.log).length,
    deletes: deletes(site.log),
    kills: ends.filter(({ status }) => status === "SIGKILL").length,
  }
}
