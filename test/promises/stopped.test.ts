import { setTimeout as sleep } from "node:timers/promises"
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
const WAIT_SECONDS = 1

test(`stopped by SIGTERM at any moment, ${STOPS + IDLE_STOPS} times: it ends promptly and hides no message`, async () => {
  const seed = seedOf()
  const random = seeded(seed)
  let stops = 0
  await using site = await openSite({
    seed,
    waitMs: WAIT_SECONDS * 1000,
    set: { QUEUE_VISIBILITY_SECONDS: "60" },
    // Or the queue would be empty too soon.
    async script({ operation }) {
      if (operation === "ReceiveMessage" && stops < STOPS) await sleep(60)
      return undefined
    },
  })
  site.send(STOPS * 800)
  const worker = site.worker()
  let slowestMs = 0
  while (stops < STOPS) {
    const at = 1 + pick(random, CHUNKS)
    slowestMs = Math.max(slowestMs, await stop(site, worker, ({ n }) => n === at))
    stops++
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
  const where = `stopped at chunk ${signalledAt}: ${ended.stderr}`
  // Before it has anything in hand, the signal itself ends it.
  expect([143, "SIGTERM"], where).toContain(ended.status)
  expect(tookMs, where).toBeLessThan(5_000 + WAIT_SECONDS * 1000)
  expect(site.queue.hiddenFor(2_000), where).toBe(0)
  return tookMs
}
