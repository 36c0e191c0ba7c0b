import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { pick, seeded } from "./wire/random.ts"
import { openSite, summaryOf } from "./wire/site.ts"
import { deletedTooEarly } from "./wire/wire-log.ts"
import type { Chunk, Fate } from "./wire/wire-proxy.ts"

const FAULTS = LONG ? 500 : 60
/** Of all chunks. */
const SHARE = 0.04

test(`chunks cut, truncated, delayed and dropped at random, ${FAULTS} of them: nothing lost or doubled, and the run goes on`, async () => {
  const seed = seedOf()
  const random = seeded(seed)
  let [faults, hasBegun] = [0, false]
  await using site = await openSite({
    seed,
    set: { DATABASE_STATEMENT_SECONDS: "5" },
    async script({ operation }) {
      if (operation === "ReceiveMessage" && faults < FAULTS) await sleep(40)
      return undefined
    },
  })
  site.send(FAULTS * 150)
  const ended = await site.worker().run(() => (chunk): Fate => {
    // A set-up that cannot be looked at is refused: only a run that has begun goes on.
    hasBegun ||= chunk.says.some(
      (saying) => saying.kind === "request" && saying.operation === "ReceiveMessage",
    )
    if (!hasBegun || faults >= FAULTS || random() >= SHARE) return "pass"
    faults++
    return fault(chunk)
  })

  function fault({ bytes }: Chunk): Fate {
    const kind = random()
    if (kind < 0.4) return "cut"
    if (kind < 0.7) return { truncateTo: pick(random, bytes.length) }
    // What vanishes alone is waited for until its timeout.
    return kind < 0.75 ? "drop" : { delayMs: pick(random, 500) }
  }

  expect(ended.status, ended.stderr).toBe(0)
  expect(faults).toBe(FAULTS)
  expect(site.queue.countNow()).toEqual({ visible: 0, inFlight: 0 })
  expect(await site.check()).toEqual(NO_DIFFERENCES)
  expect(deletedTooEarly(site.log)).toEqual([])
  const { retried } = summaryOf(ended)
  report(
    "P1",
    `${FAULTS} chunks cut, truncated, delayed or dropped in one drain: 0 lost, 0 duplicated, ${retried} retries`,
    seed,
  )
}, 600_000)
