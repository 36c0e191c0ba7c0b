import { expect, test } from "vitest"
import type { DrainEvent } from "../../src/drain-event.ts"
import { createAlerts } from "../../src/observe/alerts.ts"
import { createEmf } from "../../src/observe/emf.ts"
import { createFold } from "../../src/observe/figures.ts"
import { createHealth } from "../../src/observe/health.ts"
import { createLog } from "../../src/observe/log.ts"
import { createScrape } from "../../src/observe/prometheus.ts"

const MESSAGES = 100_000

/** The events of a drain in which one message in twenty is rejected. */
function* events(): Generator<DrainEvent> {
  for (let at = 0; at < MESSAGES; at += 500) {
    for (let n = 0; n < 50; n++)
      yield { type: "received", count: 10, durationMs: 3, oldestSentAtMs: Date.now() - 500 }
    for (let n = 0; n < 25; n++) {
      yield { type: "rejected", messageId: "m", rejection: { reason: "missing", field: "ip" } }
    }
    yield { type: "stored", stored: 475, duplicates: 0, quarantined: 25, originals: 950, durationMs: 20 }
    yield { type: "acknowledged", count: 500, failed: 0, durationMs: 9 }
  }
}

test("watching costs a small part of what a message costs", async () => {
  let bytes = 0
  const write = (text: string) => {
    bytes += text.length
  }
  const about = { service: "s", queue: "q", run: "r" }
  const { now } = Date
  const log = await createLog({ level: "info", format: "json", write, about, now })
  const fold = createFold(now)
  const health = createHealth(now, 100)
  const alerts = createAlerts({ rejectPercent: 10, oldestMessageSeconds: 60 }, { log, send: null, now })
  createEmf(fold, { about, write, now })
  await createScrape(fold, { queue: "q" })
  const all = [...events()]
  const pass = () => {
    const { user, system } = process.cpuUsage()
    for (const event of all) {
      fold.see(event)
      health.see(event)
      alerts.see(event)
      log.tell(event)
    }
    const after = process.cpuUsage()
    return (after.user - user + after.system - system) / MESSAGES
  }
  const best = Math.min(...Array.from({ length: 5 }, pass))
  process.stdout.write(`watching: ${best.toFixed(3)} µs of CPU a message\n`)
  expect(bytes).toBeGreaterThan(0)
  // The budget is half a microsecond; the rest is for a machine that does other things.
  expect(best).toBeLessThan(2)
})
