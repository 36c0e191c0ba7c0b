import { expect, test } from "vitest"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { message } from "./wire/messages.ts"
import { openSite, summaryOf } from "./wire/site.ts"
import { deletedTooEarly } from "./wire/wire-log.ts"

const NOTHING = { visible: 0, inFlight: 0 }

test("each message delivered three times: one row, and each delivery deleted, none to the dead letters", async () => {
  const seed = seedOf()
  const messages = LONG ? 10_000 : 300
  await using site = await openSite({
    seed,
    deliveries: 3,
    maxReceives: 3,
    // Nothing comes a fourth time because somebody was slow.
    set: { QUEUE_VISIBILITY_SECONDS: "120" },
  })
  site.send(messages)
  const ended = await site.worker().run()
  expect(ended.status, ended.stderr).toBe(0)
  const quarantined = Array.from({ length: messages }, (_, n) => message(n)).filter(
    ({ event }) => !event,
  ).length
  const { stored, duplicates } = summaryOf(ended)
  expect({ stored, duplicates }).toEqual({ stored: messages - quarantined, duplicates: 2 * messages })
  expect(await site.check()).toEqual(NO_DIFFERENCES)
  expect(site.queue.handedOut()).toBe(3 * messages)
  expect([site.queue.countNow(), site.queue.deadLetters()]).toEqual([NOTHING, 0])
  expect(deletedTooEarly(site.log)).toEqual([])
  report("P6", `${messages} messages delivered 3 times: ${stored} rows, queue 0, dead letters 0`, seed)
}, 300_000)

const [SEEDS, LANES] = LONG ? [100, 5] : [6, 3]
const [EMPTY_POLLS, WAIT_SECONDS, GRACE_SECONDS] = [3, 1, 10]

test(`a queue that feigns emptiness and lags in its counts is drained to the last message (${SEEDS} seeds)`, async () => {
  const seed = seedOf()
  let slowestMs = 0
  const rest = Array.from({ length: SEEDS }, (_, at) => seed + at).values()
  async function lane() {
    for (const one of rest) slowestMs = Math.max(slowestMs, await drainLiar(one))
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  const seconds = (slowestMs / 1000).toFixed(1)
  report(
    "P8",
    `${SEEDS} seeds, 30 % false empties, counts lagging: 0 left, ended ${seconds} s after the last message at most`,
    seed,
  )
}, 1_200_000)

/** @returns Milliseconds from the last message to the end. */
async function drainLiar(seed: number): Promise<number> {
  await using site = await openSite({
    seed,
    waitMs: WAIT_SECONDS * 1000,
    falseEmpties: 0.3,
    countsLagMs: 1_500,
    failedDeletes: 0.05,
    doubled: 0.05,
    set: { DRAIN_EMPTY_POLLS: String(EMPTY_POLLS), QUEUE_VISIBILITY_SECONDS: "30" },
  })
  site.send(100)
  let lastMessageMs = 0
  const ended = await site.worker().run(() => (chunk) => {
    if (chunk.link === "queue" && chunk.bytes.includes("ReceiptHandle")) lastMessageMs = Date.now()
    return "pass"
  })
  const tookMs = Date.now() - lastMessageMs
  expect(ended.status, `seed ${seed}: ${ended.stderr}`).toBe(0)
  expect(site.queue.countNow(), `seed ${seed}`).toEqual(NOTHING)
  expect(await site.check(), `seed ${seed}`).toEqual(NO_DIFFERENCES)
  expect(tookMs, `seed ${seed}`).toBeLessThan((EMPTY_POLLS * WAIT_SECONDS + GRACE_SECONDS) * 1000)
  return tookMs
}
