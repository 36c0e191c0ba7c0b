import { expect, test } from "vitest"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { pick, seeded } from "./wire/random.ts"
import { openSite, type Site, type Worker } from "./wire/site.ts"
import { deletedTooEarly } from "./wire/wire-log.ts"
import type { Chunk } from "./wire/wire-proxy.ts"

const STOPS = LONG ? 50 : 5
/** With an empty queue, in the middle of the first long polls. */
const IDLE_STOPS = LONG ? 10 : 2
/** A stop comes with one of these first chunks. */
const CHUNKS = 400
/** Waiting before each: more than so many chunks can carry, a receive being two. */
const MESSAGES = (CHUNKS / 2) * 10
const WAIT_SECONDS = 1

test(`stopped by SIGTERM at any moment, ${STOPS + IDLE_STOPS} times: it ends promptly and hides no message`, async () => {
  const seed = seedOf()
  const random = seeded(seed)
  await using site = await openSite({
    seed,
    waitMs: WAIT_SECONDS * 1000,
    set: { QUEUE_VISIBILITY_SECONDS: "60" },
  })
  const worker = site.worker()
  let slowestMs = 0
  for (let stops = 0; stops < STOPS; stops++) {
    site.send(MESSAGES - site.queue.countNow().visible)
    const at = 1 + pick(random, CHUNKS)
    slowestMs = Math.max(slowestMs, await stop(site, worker, ({ n }) => n === at))
  }
  const last = await worker.run()
  expect(last.status, last.stderr).toBe(0)
  for (let idle = 0; idle < IDLE_STOPS; idle++) {
    slowestMs = Math.max(slowestMs, await stop(site, worker, isReceive))
  }
  expect(await site.check()).toEqual(NO_DIFFERENCES)
  expect(deletedTooEarly(site.log)).toEqual([])
  report(
    "P9",
    `${STOPS + IDLE_STOPS} SIGTERMs: ended within ${slowestMs} ms, 0 messages left invisible`,
    seed,
  )
}, 3_600_000)

const isReceive = ({ says }: Chunk) =>
  says.some((saying) => saying.kind === "request" && saying.operation === "ReceiveMessage")

/** @returns Milliseconds from the signal to the end. */
async function stop(site: Site, worker: Worker, isMoment: (chunk: Chunk) => boolean): Promise<number> {
  let [signalledMs, signalledAt] = [0, 0]
  const ended = await worker.run((kill) => (chunk) => {
    if (signalledMs === 0 && isMoment(chunk)) {
      signalledMs = Date.now()
      signalledAt = chunk.n
      kill("SIGTERM")
    }
    return "pass"
  })
  const tookMs = Date.now() - signalledMs
  expect(signalledMs, `it ended before its signal: ${ended.stderr}`).not.toBe(0)
  const where = `stopped at chunk ${signalledAt}: ${ended.stderr}`
  // Before it has anything in hand, the signal itself ends it.
  expect([143, "SIGTERM"], where).toContain(ended.status)
  expect(tookMs, where).toBeLessThan(5_000 + WAIT_SECONDS * 1000)
  expect(site.queue.hiddenFor(2_000), where).toBe(0)
  return tookMs
}
