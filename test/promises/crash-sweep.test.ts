import { expect, test } from "vitest"
import { LONG, report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import { crashAt, MESSAGES, openCrashSite, pointsOf } from "./wire/crash.ts"
import { sample, seeded } from "./wire/random.ts"

const SAMPLE = 14

test("killed before or after a chunk on the wire, whichever: nothing lost, doubled, unexpected or orphaned", async () => {
  const seed = seedOf()
  await using site = await openCrashSite(seed)
  const worker = site.worker()
  const all = await pointsOf(site, worker)
  expect(await site.check()).toEqual(NO_DIFFERENCES)
  const points = LONG ? all : sample(seeded(seed), SAMPLE, all)
  let [killed, deleted] = [0, 0]
  for (const point of points) {
    const crashed = await crashAt(site, worker, point)
    expect(crashed, `killed ${point.when} chunk ${point.n}`).toMatchObject({
      ...NO_DIFFERENCES,
      left: 0,
      early: 0,
    })
    expect(crashed.deletes).toBeGreaterThanOrEqual(MESSAGES)
    killed += crashed.kills
    deleted += crashed.deletes
  }
  // A run may have a chunk less than the one that was counted.
  expect(killed, "points that were reached").toBeGreaterThan(points.length * 0.8)
  const zeros = "0 lost, 0 duplicated, 0 unexpected, 0 without twin, 0 orphaned"
  report("P1", `${killed} kills at ${points.length} of ${all.length} points: ${zeros}`, seed)
  report("P5", `crash sweep: ${deleted} deletes, 0 before their COMMIT was answered`, seed)
}, 900_000)
