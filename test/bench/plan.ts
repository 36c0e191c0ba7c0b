/** What a worker and its queue are like. Times in ms, CPU in µs a message. */
export interface Assumptions {
  /** One call to SQS and back. */
  readonly roundTripMs: number
  /** From the last row of a batch to its COMMIT. */
  readonly commitMs: number
  readonly lingerMs: number
  readonly cpu: number
  /** Of PostgreSQL, a row. */
  readonly databaseCpu: number
  /** Of a worker's core: beyond it, waiting grows. */
  readonly utilisation: number
  readonly pollers: number
  readonly messagesInHand: number
}

/** SQS standard queues: messages received and not yet deleted, at most (quotas-messages, developer guide). */
const IN_FLIGHT = 120_000
const PER_CALL = 10
/** US dollars per million requests, standard queue, us-east-1, beyond the first million a month; as remembered in November 2026. */
export const PRICE = 0.4

const SECONDS = 600
const TICK_MS = 100

export interface Plan {
  readonly workers: number
  readonly perSecondEach: number
  /** What bounds a worker. */
  readonly bound: "CPU" | "receives under way" | "messages in hand" | "messages in flight"
  readonly inFlight: number
  readonly databaseCores: number
  readonly dollarsPerHour: number
  /** How long the newest message waits, in a steady minute, and at its worst after a burst of twice the rate for a minute. */
  readonly lagMs: number
  readonly burstLagMs: number
}

/**
 * Simulate workers on one queue, and find how few keep up with `rate` events a second.
 *
 * @returns The fewest that have a fifth to spare, with as many more and fewer as show what a worker is worth.
 */
export function plan(rate: number, assumed: Assumptions): readonly Plan[] {
  const fewest = Math.ceil((rate * 1.2) / bounds(assumed, 1).perSecond)
  const counts = new Set([Math.max(1, fewest - 1), fewest, fewest + 1, 2 * fewest])
  return [...counts].map((workers) => simulate(rate, workers, assumed))
}

/** How fast each of `workers` can be at most, and why no faster. */
function bounds(assumed: Assumptions, workers: number) {
  const { roundTripMs, commitMs, lingerMs, cpu, utilisation, pollers, messagesInHand } = assumed
  const inHandMs = lingerMs / 2 + commitMs
  const all: readonly [number, Plan["bound"]][] = [
    [(1e6 / cpu) * utilisation, "CPU"],
    [(pollers * PER_CALL * 1000) / roundTripMs, "receives under way"],
    [(messagesInHand * 1000) / inHandMs, "messages in hand"],
    [((IN_FLIGHT / workers) * 1000) / (inHandMs + 2 * roundTripMs), "messages in flight"],
  ]
  const [perSecond, bound] = all.reduce((least, one) => (one[0] < least[0] ? one : least))
  return { perSecond, bound, residenceMs: inHandMs + 2 * roundTripMs }
}

function simulate(rate: number, workers: number, assumed: Assumptions): Plan {
  const { perSecond, bound, residenceMs } = bounds(assumed, workers)
  const { roundTripMs, pollers, databaseCpu } = assumed
  let backlog = 0
  let underWay = 1
  let steady = 0
  let worst = 0
  for (let tick = 0; tick < (SECONDS * 1000) / TICK_MS; tick++) {
    const second = (tick * TICK_MS) / 1000
    const isBurst = second >= 300 && second < 360
    const arriving = ((isBurst ? 2 : 1) * rate * TICK_MS) / 1000
    backlog += arriving
    const received = (underWay * PER_CALL * 1000) / roundTripMs
    const served = Math.min(backlog, (workers * Math.min(perSecond, received) * TICK_MS) / 1000)
    backlog -= served
    // Pollers as the drain has them: doubled with every round trip while receives come back full.
    if (backlog > 0) underWay = Math.min(pollers, underWay * 2 ** (TICK_MS / roundTripMs))
    const lagMs = (backlog / (workers * perSecond)) * 1000
    if (second >= 240 && second < 300) steady = Math.max(steady, lagMs)
    if (second >= 300) worst = Math.max(worst, lagMs)
  }
  const keptUp = Math.min(rate, workers * perSecond)
  // One receive and one delete for ten messages; when little waits, receives come back less than full.
  const requestsPerSecond = (2 * keptUp) / PER_CALL
  return {
    workers,
    perSecondEach: perSecond,
    bound,
    inFlight: (keptUp * residenceMs) / 1000,
    databaseCores: (keptUp * databaseCpu) / 1e6,
    dollarsPerHour: (requestsPerSecond * 3600 * PRICE) / 1e6,
    lagMs: steady + residenceMs,
    burstLagMs: worst + residenceMs,
  }
}
