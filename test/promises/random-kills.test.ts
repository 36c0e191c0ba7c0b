import { expect, test } from "vitest"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { killAtRandom, type Outcome } from "./wire/random-kills.ts"

const KEPT = { ...NO_DIFFERENCES, left: 0, early: 0, deadlocksSurfaced: 0 }

const [MESSAGES, KILLS] = LONG ? [100_000, 200] : [2_000, 5]

test(`${MESSAGES} messages of a hostile queue, ${KILLS} kills at random: nothing lost, doubled, unexpected or orphaned`, async () => {
  const seed = seedOf()
  const outcome = await killAtRandom({ seed, messages: MESSAGES, kills: KILLS, processes: 1 })
  expect(outcome).toMatchObject({ ...KEPT, kills: KILLS })
  expect(outcome.deletes).toBeGreaterThanOrEqual(MESSAGES)
  report("P2", `${KILLS} kills in ${MESSAGES} messages: ${zeros(outcome)}`, seed)
  report(
    "P5",
    `random kills: ${outcome.deletes} deletes, ${outcome.early} before their COMMIT was answered`,
    seed,
  )
}, 3_600_000)

const [SHARED, SHARED_KILLS] = LONG ? [20_000, 20] : [1_500, 4]

test(`four processes drain ${SHARED} messages, ${SHARED_KILLS} kills: nothing doubled, no deadlock ends a run`, async () => {
  const seed = seedOf()
  const outcome = await killAtRandom({ seed, messages: SHARED, kills: SHARED_KILLS, processes: 4 })
  expect(outcome).toMatchObject({ ...KEPT, kills: SHARED_KILLS })
  report(
    "P3",
    `4 processes, ${SHARED} messages, ${SHARED_KILLS} kills: ${zeros(outcome)}, ${outcome.deadlocks} deadlocks, 0 surfaced`,
    seed,
  )
}, 3_600_000)

function zeros({ lost, duplicated, unexpected, noTwin, orphan }: Outcome): string {
  return `${lost} lost, ${duplicated} duplicated, ${unexpected} unexpected, ${noTwin} without twin, ${orphan} orphaned`
}
