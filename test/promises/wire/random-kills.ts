import { setTimeout as sleep } from "node:timers/promises"
import type { RunOptions } from "../../binary.ts"
import type { Differences } from "./checker.ts"
import { pick, seeded } from "./random.ts"
import { drainUntilEmpty, type Kill, killAt, openSite } from "./site.ts"
import { deletedTooEarly, deletes } from "./wire-log.ts"
import type { Plan } from "./wire-proxy.ts"

export interface Ordeal {
  readonly seed: number
  readonly messages: number
  /** In all. */
  readonly kills: number
  readonly processes: number
  readonly program?: NonNullable<RunOptions["program"]>
}

export interface Outcome extends Differences {
  readonly kills: number
  readonly left: number
  /** Deletes, and those that came before the answer to their COMMIT. */
  readonly deletes: number
  readonly early: number
  /** Found by PostgreSQL, whoever was told. */
  readonly deadlocks: number
  /** Runs that said so. */
  readonly deadlocksSurfaced: number
}

/** A process is killed at one of its first chunks: enough for several batches, few enough that messages remain. */
const CHUNKS = 300
/** A receive takes this long until the last process was killed, so that there is work until then. */
const RECEIVE_MS = 80

/** Kill processes at random while they drain a queue that doubles, fails deletes, and soon hands out again. */
export async function killAtRandom(ordeal: Ordeal): Promise<Outcome> {
  const random = seeded(ordeal.seed)
  let killsLeft = ordeal.kills
  let lastKillMs = 0
  await using site = await openSite({
    seed: ordeal.seed,
    ...(ordeal.program && { program: ordeal.program }),
    doubled: 0.025,
    visibleThoughHeld: 0.025,
    failedDeletes: 0.1,
    // Processes too slow for it would take each other's messages for ever: enough of it once the last receive of a
    // killed one was answered.
    visibilityMs: () => (killsLeft > 0 || Date.now() < lastKillMs + 1_000 ? 700 : null),
    set: { QUEUE_VISIBILITY_SECONDS: "30" },
    async script({ operation }) {
      if (operation === "ReceiveMessage" && killsLeft > 0) await sleep(RECEIVE_MS)
      return undefined
    },
  })
  site.send(ordeal.messages)
  const lives = await Promise.all(
    Array.from({ length: ordeal.processes }, async (_, at) => {
      const worker = site.worker()
      const kills = Math.floor(ordeal.kills / ordeal.processes) + Number(at < ordeal.kills % ordeal.processes)
      const plans = Array.from({ length: kills }, () => {
        const plan = killAt(1 + pick(random, CHUNKS), random() < 0.5 ? "before" : "after")
        return (kill: Kill): Plan =>
          plan(() => {
            killsLeft--
            lastKillMs = Date.now()
            kill()
          })
      })
      return drainUntilEmpty(worker, plans)
    }),
  )
  const ends = lives.flat()
  const { visible, inFlight } = site.queue.countNow()
  const [stat] = await site.database.query<{ deadlocks: number }>(
    "select deadlocks::int from pg_stat_database where datname = current_database()",
  )
  return {
    ...(await site.check()),
    kills: ends.filter(({ status }) => status === "SIGKILL").length,
    left: visible + inFlight,
    deletes: deletes(site.log),
    early: deletedTooEarly(site.log).length,
    deadlocks: stat?.deadlocks ?? 0,
    deadlocksSurfaced: ends.filter(
      ({ status, stderr }) => status !== "SIGKILL" && /SQLSTATE 40P01/.test(stderr),
    ).length,
  }
}
