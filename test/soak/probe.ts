/**
 * Loaded before peppermill, tells the parent process every minute what can only
 * be known inside: how late the event loop runs, and how many things are open.
 */
import { monitorEventLoopDelay } from "node:perf_hooks"

/** One minute, in milliseconds beyond what the timer was set to. */
export interface Inside {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Sockets, timers and requests under way. */
  readonly handles: number
}

const RESOLUTION_MS = 10

if (process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
  setInterval(() => {
    const inside: Inside = {
      p50Ms: late(delay.percentile(50)),
      p99Ms: late(delay.percentile(99)),
      maxMs: late(delay.max),
      handles: process.getActiveResourcesInfo().length,
    }
    process.send?.(inside)
    delay.reset()
  }, 60_000).unref()
  process.channel?.unref()

  // To see that a leak is found.
  const leakKb = Number(process.env["SOAK_LEAK_KB_PER_SECOND"] ?? 0)
  const leaked: Buffer[] = []
  if (leakKb > 0) setInterval(() => leaked.push(Buffer.alloc(leakKb * 1024, 1)), 1_000).unref()
}
