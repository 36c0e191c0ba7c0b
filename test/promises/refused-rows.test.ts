import { expect, test } from "vitest"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { deviceType, loginMessage } from "./wire/messages.ts"
import { sample, seeded } from "./wire/random.ts"
import { openSite, type Site, summaryOf, type Worker } from "./wire/site.ts"
import { deletedTooEarly, deletes } from "./wire/wire-log.ts"

const BATCH = 500
const POSITIONS = Array.from({ length: BATCH }, (_, position) => position)

test(`a row that PostgreSQL itself refuses, at ${LONG ? "each" : "some"} of the ${BATCH} places of its batch: 499 rows, 1 quarantined`, async () => {
  const seed = seedOf()
  const places = LONG ? POSITIONS : [0, BATCH - 1, ...sample(seeded(seed), 3, POSITIONS)]
  const rest = places.values()
  let deleted = 0
  async function lane() {
    await using site = await openSite({
      seed,
      messageOf: loginMessage,
      set: { QUEUE_POLLERS: "32", BATCH_LINGER_MS: "2000", QUEUE_VISIBILITY_SECONDS: "60" },
    })
    const worker = site.worker()
    for (const place of rest) deleted += await refuse(site, worker, place)
  }
  await Promise.all([lane(), lane()])
  report(
    "P4",
    `refused by PostgreSQL at ${places.length} of ${BATCH} places: ${BATCH - 1} rows, 1 quarantined each time`,
    seed,
  )
  report("P5", `refused rows: ${deleted} deletes, 0 before their COMMIT was answered`, seed)
}, 7_200_000)

/** @returns How many messages were deleted. */
async function refuse(site: Site, worker: Worker, place: number): Promise<number> {
  await site.reset()
  // The sink orders a batch by id, which the queue gives: so the one at this place is known only now.
  const ids = site.send(BATCH)
  const culprit = [...ids].sort()[place] as string
  site.expectRefused(culprit)
  await site.database.query("alter table user_logins drop constraint if exists poison")
  await site.database.query(
    `alter table user_logins add constraint poison check (device_type <> '${deviceType(ids.indexOf(culprit))}')`,
  )
  const ended = await worker.run()
  expect(ended.status, ended.stderr).toBe(0)
  expect(summaryOf(ended)).toMatchObject({
    stored: BATCH - 1,
    quarantined: 1,
    rejections: { "not-storable": 1 },
  })
  expect(await site.check(), `place ${place}`).toEqual(NO_DIFFERENCES)
  expect(deletedTooEarly(site.log)).toEqual([])
  return deletes(site.log)
}
