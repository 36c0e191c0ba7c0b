// Runs the terminal UI on made-up data, to look at it and to measure it. Not shipped.
//
//   esbuild test/tui/harness.tsx --bundle --platform=node --format=esm … && node harness.mjs [flags]
//
//   --rate N        messages a second of the made-up drain (default 12000)
//   --messages N    end after so many
//   --bare          start without configuration
//   --fail          fail after five seconds
//   --headless      the same drain without the UI, to see what the UI adds
//   --ascii --no-color --screen-reader

import { setTimeout as sleep } from "node:timers/promises"
import { parseArgs } from "node:util"
import type { DrainEvent } from "../../src/drain-event.ts"
import { UserError } from "../../src/errors.ts"
import type { DrainRun, Ports } from "../../src/tui/ports.ts"
import { runTui } from "../../src/tui/run.tsx"
import { drawingFor } from "../../src/tui/terminal.ts"
import { fakePorts } from "./fake-ports.ts"

const { values } = parseArgs({
  options: {
    rate: { type: "string", default: "12000" },
    messages: { type: "string", default: "100000000" },
    bare: { type: "boolean", default: false },
    fail: { type: "boolean", default: false },
    headless: { type: "boolean", default: false },
    seconds: { type: "string" },
    ascii: { type: "boolean", default: false },
    "no-color": { type: "boolean", default: false },
    "screen-reader": { type: "boolean", default: false },
  },
})

/** A drain of receives of ten and batches of 500, as many as the rate asks for. */
function madeUpRun(perSecond: number, total: number): DrainRun {
  let isPaused = false
  let isStopping = false
  const startedMs = Date.now()
  async function* events(): AsyncGenerator<DrainEvent> {
    let received = 0
    let inBatch = 0
    let refused = 0
    for (;;) {
      const seconds = (Date.now() - startedMs) / 1000
      // Steady on the whole, uneven from second to second, however late the timer fires.
      const wave = seconds + 2 * Math.sin(seconds / 3) + 0.1 * Math.sin(seconds * 5)
      const target = Math.max(0, perSecond * wave) / 10
      let due = isPaused || isStopping ? 0 : Math.round(target - received / 10)
      for (; due > 0 && received < total; due--) {
        received += 10
        inBatch += 10
        const durationMs = 8 + Math.random() * 20 + (Math.random() > 0.98 ? 70 : 0)
        yield { type: "received", count: 10, durationMs, oldestSentAtMs: Date.now() - 200_000 }
        if (received % 9000 === 0) {
          refused++
          const rejection =
            refused % 3 === 0
              ? ({ reason: "missing", field: "user_id" } as const)
              : ({ reason: "wrong-type", field: "ip" } as const)
          yield { type: "rejected", messageId: crypto.randomUUID(), rejection }
        }
        if (inBatch >= 500) {
          yield {
            type: "stored",
            stored: inBatch - 4 - refused,
            duplicates: 4,
            quarantined: refused,
            originals: 310,
            durationMs: 6 + Math.random() * 9,
          }
          yield { type: "acknowledged", count: inBatch, failed: 0, durationMs: 11 + Math.random() * 14 }
          inBatch = 0
          refused = 0
        }
      }
      if (isPaused && inBatch === 0) yield { type: "heartbeat", count: 0, lost: 0, failed: false }
      if (Math.random() > 0.998)
        yield {
          type: "retrying",
          service: "database",
          call: "commit",
          code: "40001",
          attempt: 1,
          delayMs: 120,
        }
      if (values.fail && seconds > 5) {
        yield { type: "finished", outcome: "failed", heldByOthers: 0 }
        throw new UserError("unavailable", "the database did not answer: connection to db.internal refused", {
          hint: "see that PostgreSQL runs and that database.url names it; `peppermill doctor` asks it alone",
        })
      }
      if (received >= total || isStopping) break
      await sleep(20)
    }
    yield { type: "stopping", cause: isStopping ? "signal" : "empty" }
    await sleep(600)
    if (inBatch > 0)
      yield { type: "stored", stored: inBatch, duplicates: 0, quarantined: 0, originals: 0, durationMs: 8 }
    yield { type: "finished", outcome: isStopping ? "stopped" : "empty", heldByOthers: 0 }
  }
  async function* withPauses(): AsyncGenerator<DrainEvent> {
    let wasPaused = false
    for await (const event of events()) {
      if (wasPaused !== isPaused) {
        wasPaused = isPaused
        yield { type: isPaused ? "paused" : "resumed" }
      }
      yield event
    }
  }
  return {
    events: withPauses(),
    pause: () => {
      isPaused = true
    },
    resume: () => {
      isPaused = false
    },
    stop: () => {
      isStopping = true
    },
    stopNow: () => {
      isStopping = true
    },
  }
}

const startedMs = Date.now()
const fake = fakePorts({ ttlMinutes: 1e6 })
setInterval(() => {
  // The colleague approves ten seconds after being asked.
  if (fake.calls.some((call) => call.startsWith("request")))
    setTimeout(() => fake.approve("bob"), 10_000).unref()
}, 1000).unref()
const rate = Number(values.rate)
const missing = {
  message: "No queue is named, and no database.",
  hint: "set queue.url and database.url in peppermill.config.yaml",
}
const bare = { missing }
const ports: Ports = values.bare
  ? {
      queue: null,
      database: null,
      drain: bare,
      quarantine: bare,
      recovery: bare,
      audit: bare,
      keys: bare,
      doctor: fake.ports.doctor,
    }
  : {
      ...fake.ports,
      drain: {
        port: {
          start: () => madeUpRun(rate, Number(values.messages)),
          counts: async () => ({
            visible: Math.max(0, 3_000_000 - Math.round(((Date.now() - startedMs) / 1000) * rate * 0.66)),
            inFlight: Math.round(rate * 0.15),
            delayed: 0,
          }),
        },
      },
    }

const stop = new AbortController()
process.on("SIGTERM", () => stop.abort())
if (values.seconds !== undefined) setTimeout(() => stop.abort(), Number(values.seconds) * 1000).unref()
if (process.env["WARN"]) {
  setTimeout(() => {
    process.emitWarning("a warning of a library")
    // biome-ignore lint/suspicious/noConsole: a library that does not know about us
    console.error("an error line\nand another \u001b[31mred\u001b[0m")
  }, 1000).unref()
}

if (values.headless) {
  const run = madeUpRun(rate, Number(values.messages))
  stop.signal.addEventListener("abort", () => run.stop())
  for await (const _ of run.events);
} else {
  const drawing = drawingFor(process.env, {
    color: values["no-color"] ? false : undefined,
    ascii: values.ascii,
    screenReader: values["screen-reader"],
  })
  const end = await runTui(ports, {
    drawing,
    stdin: process.stdin,
    stdout: process.stdout,
    stop: stop.signal,
  })
  process.stderr.write(
    `left: ${end.wants ?? "done"}, ${end.run?.totals.received ?? 0} received, ${end.run?.outcome}\n`,
  )
}
const { user, system } = process.cpuUsage()
const seconds = (Date.now() - startedMs) / 1000
process.stderr.write(
  `cpu ${((user + system) / 1e6).toFixed(2)} s in ${seconds.toFixed(1)} s = ${((user + system) / 1e4 / seconds).toFixed(1)}%, rss ${Math.round(process.memoryUsage().rss / 2 ** 20)} MB\n`,
)
process.exit(0)
