/**
 * Loaded before peppermill, tells the parent process every minute what can only
 * be known inside: how late the event loop runs, how many things are open, and
 * what memory is left after the garbage collector has been.
 */
import { monitorEventLoopDelay } from "node:perf_hooks"
import { setFlagsFromString } from "node:v8"
import { runInNewContext } from "node:vm"

/** One minute. Delays are milliseconds beyond what the timer was set to. */
export interface Inside {
  readonly p50Ms: number
  readonly p99Ms: number
  readonly maxMs: number
  /** Sockets, timers and requests under way. */
  readonly handles: number
  /** What is in use right after a full collection: the heap, and buffers outside of it. */
  readonly liveMb: number
}

const RESOLUTION_MS = 10

setFlagsFromString("--expose-gc")
const collect = runInNewContext("gc") as () => void

if (process.send !== undefined) {
  const delay = monitorEventLoopDelay({ resolution: RESOLUTION_MS })
  delay.enable()
  const late = (nanoseconds: number) => Math.max(0, nanoseconds / 1e6 - RESOLUTION_MS)
  const tell = setInterval(() => {
    const [p50Ms, p99Ms, maxMs] = [delay.percentile(50), delay.percentile(99), delay.max].map(late)
    // What the first one found dead may be freed while we look.
    collect()
    collect()
    const { heapUsed, external } = process.memoryUsage()
    const handles = process.getActiveResourcesInfo().length
    process.send?.({ p50Ms, p99Ms, maxMs, handles, liveMb: (heapUsed + external) / 2 ** 20 })
    // The wait for this collection is of our own making.
    setTimeout(() => delay.reset(), 10 * RESOLUTION_MS).unref()
  }, 60_000)
  tell.unref()
  process.channel?.unref()

  // To see that a leak is found.
  const leakKb = Number(process.env["SOAK_LEAK_KB_PER_SECOND"] ?? 0)
  const leaked: Buffer[] = []
  if (leakKb > 0) setInterval(() => leaked.push(Buffer.alloc(leakKb * 1024, 1)), 1_000).unref()
}
