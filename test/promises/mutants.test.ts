import { expect, test } from "vitest"
import { report, seedOf } from "./report.ts"
import { type Crashed, crashAt, openCrashSite, pointsOf } from "./wire/crash.ts"
import { BUGS, buildMutant } from "./wire/mutants.ts"
import { sample, seeded } from "./wire/random.ts"
import { killAtRandom } from "./wire/random-kills.ts"

/** What each bug does, in the checker's words. */
const SHOWS = { "delete first": "lost", "no ledger": "duplicated" } as const

/** A crash may miss the moment that matters. That all of so many do is out of the question. */
const [POINTS, ROUNDS] = [40, 8]

test.each(Object.keys(BUGS) as (keyof typeof BUGS)[])(
  "the bug %s, planted in the source, is found by the sweep, by random kills and with four processes",
  async (bug) => {
    const seed = seedOf()
    const shows = SHOWS[bug]
    await using mutant = await buildMutant(bug)
    const { program } = mutant

    async function crashesUntilFound(): Promise<number> {
      await using site = await openCrashSite(seed, program)
      const worker = site.worker()
      const critical = (await pointsOf(site, worker)).filter((point) => point.isCritical)
      const points = sample(seeded(seed), POINTS, critical)
      for (const [at, point] of points.entries()) {
        if (shown(await crashAt(site, worker, point))) return at + 1
      }
      return expect.fail(`${points.length} crashes did not show it`)
    }

    async function roundsUntilFound(processes: number): Promise<number> {
      for (let round = 0; round < ROUNDS; round++) {
        if (shown(await killAtRandom({ seed: seed + round, messages: 400, kills: 3, processes, program })))
          return round + 1
      }
      return expect.fail(`${ROUNDS} rounds did not show it`)
    }

    const shown = (found: Pick<Crashed, "lost" | "duplicated" | "early">) =>
      found[shows] > 0 && (bug === "no ledger" || found.early > 0)
    const found = [await crashesUntilFound(), await roundsUntilFound(1), await roundsUntilFound(4)]
    report(
      "P1-3",
      `the bug ${bug} is found: sweep point ${found[0]}, round ${found[1]}, round ${found[2]}`,
      seed,
    )
  },
  600_000,
)
