import { expect, test } from "vitest"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { seeded } from "./wire/random.ts"
import { openSite, summaryOf } from "./wire/site.ts"
import { deletedTooEarly, extendedTooLate } from "./wire/wire-log.ts"
import type { Chunk, Fate } from "./wire/wire-proxy.ts"

const isStored = (chunk: Chunk) =>
  chunk.says.some((saying) => saying.kind === "committed" && saying.ids.length > 0)

const STALLS = LONG ? 30 : 8
const ROWS = 20
const VISIBILITY_SECONDS = 3

test(`commits that take three times the visibility timeout, ${STALLS} of them: nothing doubled, next to nothing redelivered`, async () => {
  const seed = seedOf()
  const messages = STALLS * ROWS
  await using site = await openSite({
    seed,
    set: {
      QUEUE_VISIBILITY_SECONDS: String(VISIBILITY_SECONDS),
      BATCH_ROWS: String(ROWS),
      BATCH_IN_FLIGHT: "8",
      DATABASE_POOL_SIZE: "8",
    },
  })
  site.send(messages)
  let stalled = 0
  const ended = await site.worker().run(() => (chunk) => {
    if (!isStored(chunk) || stalled >= STALLS) return "pass"
    stalled++
    return { delayMs: 3 * VISIBILITY_SECONDS * 1000 }
  })
  expect(ended.status, ended.stderr).toBe(0)
  expect(stalled).toBe(STALLS)
  expect(await site.check()).toEqual(NO_DIFFERENCES)
  expect(site.queue.countNow()).toEqual({ visible: 0, inFlight: 0 })
  const redelivered = site.queue.handedOut() - messages
  expect(redelivered).toBeLessThanOrEqual(messages * 0.01)
  expect(extendedTooLate(site.log), "heartbeats after the delete").toEqual([])
  expect(deletedTooEarly(site.log)).toEqual([])
  const beats = site.log.filter(
    ({ saying }) => saying.kind === "request" && saying.operation === "ChangeMessageVisibilityBatch",
  )
  expect(beats.length).toBeGreaterThan(STALLS)
  report(
    "P7",
    `${STALLS} commits stalled 3 times the visibility: 0 duplicated, ${redelivered} of ${messages} redelivered, 0 of ${beats.length} heartbeats after the delete`,
    seed,
  )
}, 300_000)

const DROPS = LONG ? 100 : 30

test(`${DROPS} answers to COMMIT never arrive: nothing lost, doubled or orphaned`, async () => {
  const seed = seedOf()
  const random = seeded(seed)
  await using site = await openSite({ seed, set: { BATCH_ROWS: "10", QUEUE_VISIBILITY_SECONDS: "30" } })
  site.send(DROPS * 15)
  let dropped = 0
  const ended = await site.worker().run(() => (chunk): Fate => {
    if (!isStored(chunk) || dropped >= DROPS || random() < 0.5) return "pass"
    dropped++
    return "cut"
  })
  expect(ended.status, ended.stderr).toBe(0)
  expect(dropped).toBe(DROPS)
  expect(summaryOf(ended).retried).toBeGreaterThanOrEqual(DROPS)
  expect(await site.check()).toEqual(NO_DIFFERENCES)
  expect(site.queue.countNow()).toEqual({ visible: 0, inFlight: 0 })
  expect(deletedTooEarly(site.log)).toEqual([])
  report("P11", `${dropped} dropped replies to COMMIT: 0 lost, 0 duplicated, 0 orphaned`, seed)
}, 300_000)
