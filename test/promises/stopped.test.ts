import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { pick, seeded } from "./wire/random.ts"
import { openSite } from "./wire/site.ts"
import { deletedTooEarly } from "./wire/wire-log.ts"

const STOPS = LONG ? 50 : 5
/** A stop comes with one of these first chunks. */
const CHUNKS = 400
const WAIT_SECONDS = 1

test(`stopped by SIGTERM at any moment, ${STOPS} times: it ends promptly and hides no message`, async () => {
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
  const worker = await site.worker()
  let slowestMs = 0
  while (stops < STOPS) {
    const at = 1 + pick(random, CHUNKS)
    let signalledMs = 0
    const ended = await worker.run((kill) => (chunk) => {
      if (chunk.n === at) {
        signalledMs = Date.now()
        kill("SIGTERM")
      }
      return "pass"
    })
    const tookMs = Date.now() - signalledMs
    const where = `stop ${stops} at chunk ${at}: ${ended.stderr}`
    // Before it has anything in hand, the signal itself ends it.
    expect([143, "SIGTERM"], where).toContain(ended.status)
    expect(tookMs, where).toBeLessThan(5_000 + WAIT_SECONDS * 1000)
    expect(site.queue.hiddenFor(2_000), where).toBe(0)
    slowestMs = Math.max(slowestMs, tookMs)
    stops++
  }
  expect((await worker.run()).status).toBe(0)
  expect(await site.check()).toEqual(NO_DIFFERENCES)
  expect(deletedTooEarly(site.log)).toEqual([])
  report("P9", `${STOPS} SIGTERMs: ended within ${slowestMs} ms, 0 messages left invisible`, seed)
}, 600_000)
