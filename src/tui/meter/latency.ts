/** Buckets grow by 5%: from 0.05 ms, 400 of them reach four hours. */
const GROWTH = Math.log(1.05)
const FLOOR_MS = 0.05
const BUCKETS = 400

/** A window is between one and two of these long. */
const WINDOW_MS = 30_000

export interface Quantiles {
  readonly p50: number
  readonly p99: number
  /** Calls under way at one time, on average: the time spent in them over the time that passed. */
  readonly busy: number
}

/** How long the calls of one stage took lately. Costs a few nanoseconds a call and no memory. */
export interface Latency {
  add(ms: number, nowMs: number): void
  /** Over the last 30 to 60 seconds; null when there was no call. p50 and p99 are exact to 5%. */
  quantiles(nowMs: number): Quantiles | null
}

export function createLatency(startMs: number): Latency {
  let current = new Uint32Array(BUCKETS)
  let previous = new Uint32Array(BUCKETS)
  let spent = 0
  let previousSpent = 0
  let windowStart = startMs
  let since = startMs

  function rotate(nowMs: number): void {
    if (nowMs - windowStart < WINDOW_MS) return
    const stale = nowMs - windowStart >= 2 * WINDOW_MS
    ;[current, previous] = [previous.fill(0), current]
    if (stale) previous.fill(0)
    previousSpent = stale ? 0 : spent
    spent = 0
    since = stale ? nowMs : windowStart
    windowStart = nowMs
  }

  function quantile(of: number, total: number): number {
    let seen = 0
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += (current[bucket] as number) + (previous[bucket] as number)
      if (seen >= of * total) return FLOOR_MS * Math.exp((bucket + 0.5) * GROWTH)
    }
    return 0
  }

  return {
    add(ms, nowMs) {
      rotate(nowMs)
      const bucket = Math.floor(Math.log(Math.max(ms, FLOOR_MS) / FLOOR_MS) / GROWTH)
      const index = Math.min(bucket, BUCKETS - 1)
      current[index] = (current[index] as number) + 1
      spent += ms
    },
    quantiles(nowMs) {
      rotate(nowMs)
      let total = 0
      for (let bucket = 0; bucket < BUCKETS; bucket++) {
        total += (current[bucket] as number) + (previous[bucket] as number)
      }
      if (total === 0) return null
      const passed = Math.max(1000, nowMs - since)
      return {
        p50: quantile(0.5, total),
        p99: quantile(0.99, total),
        busy: (spent + previousSpent) / passed,
      }
    },
  }
}
