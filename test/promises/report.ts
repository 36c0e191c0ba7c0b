/**
 * What a proof came to, in numbers.
 *
 *     const seed = seedOf()                        // prints it; PEPPERMILL_TEST_SEED replays it
 *     …
 *     report("P2", "200 kills in 100,000 messages: 0 lost, 0 duplicated", seed)
 *
 * `npm run test:promises` runs every long form and ends with all these lines,
 * sorted by promise (`report-table.ts`). Call `report` in a test, after its
 * assertions: a test that fails is in that report as a failure.
 */
import { randomInt } from "node:crypto"
import { TestRunner } from "vitest"

/** One line of the report. */
export interface Finding {
  /** `P2` … as the promises are numbered, or another short name. */
  readonly promise: string
  /** Figures with their units. */
  readonly figure: string
  readonly seed: number | null
}

declare module "vitest" {
  interface TaskMeta {
    findings?: Finding[]
  }
}

/** Whether the long forms are wanted. */
export const LONG = process.env["PEPPERMILL_TEST_LONG"] === "1"

/** Add a line to the report. */
export function report(promise: string, figure: string, seed: number | null = null): void {
  const finding = { promise, figure, seed }
  process.stdout.write(`${findingText(finding)}\n`)
  const test = TestRunner.getCurrentTest()
  if (test === undefined) throw new Error("report is for tests, not for what stands around them")
  test.meta.findings = [...(test.meta.findings ?? []), finding]
}

export function findingText({ promise, figure, seed }: Finding): string {
  return `${promise.padEnd(5)} ${figure}${seed === null ? "" : ` (seed ${seed})`}`
}

/** A seed for this run, printed before anything can fail; the one of PEPPERMILL_TEST_SEED when it is set. */
export function seedOf(): number {
  const given = process.env["PEPPERMILL_TEST_SEED"]
  const seed = given === undefined ? randomInt(2 ** 31) : Number(given)
  if (!Number.isSafeInteger(seed)) throw new Error("PEPPERMILL_TEST_SEED is no integer")
  process.stdout.write(`seed ${seed}: PEPPERMILL_TEST_SEED=${seed} replays it\n`)
  return seed
}
