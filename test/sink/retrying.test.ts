import { expect, test } from "vitest"
import { retrying } from "../../src/sink/retrying.ts"
import type { SinkRetry } from "../../src/sink/sink.ts"

/** A clock that only sleeping moves. */
function fakeClock() {
  let nowMs = 0
  return {
    now: () => nowMs,
    async sleep(ms: number) {
      nowMs += ms
    },
  }
}

const serverError = (code: string) => Object.assign(new Error("quoted value"), { code, severity: "ERROR" })
const lostConnection = () => new Error("Connection terminated unexpectedly")

async function run(
  errors: readonly (() => Error)[],
  settings: { retrySeconds?: number; reread?: () => Promise<void> } = {},
) {
  const clock = fakeClock()
  const retries: SinkRetry[] = []
  let tries = 0
  const result = await retrying(
    async () => {
      const error = errors[tries++]
      if (error !== undefined) throw error()
      return "done"
    },
    { retrySeconds: 60, reread: undefined, clock, ...settings },
    (retry) => retries.push(retry),
  ).catch((error: unknown) => error)
  return { result, retries, tries, tookMs: clock.now() }
}

const times = <T>(count: number, item: T): T[] => Array.from({ length: count }, () => item)

test("an outage is outlasted, with growing waits of at most thirty seconds", async () => {
  const { result, retries, tookMs } = await run(times(40, lostConnection), { retrySeconds: 3_600 })
  expect(result).toBe("done")
  expect(retries).toHaveLength(40)
  expect(Math.max(...retries.map(({ delayMs }) => delayMs))).toBeLessThanOrEqual(30_000)
  expect(Math.max(...retries.slice(0, 3).map(({ delayMs }) => delayMs))).toBeLessThanOrEqual(400)
  expect(tookMs).toBeGreaterThan(60_000)
})

test("an outage ends the run after the retry time, not before and not long after", async () => {
  const { result, tookMs } = await run(times(1_000, lostConnection), { retrySeconds: 60 })
  expect(result).toMatchObject({ name: "UserError", kind: "unavailable" })
  expect(tookMs).toBe(60_000)
})

test("collisions and outages have their own patience", async () => {
  const errors = [...times(4, () => serverError("40001")), ...times(4, lostConnection)]
  expect((await run(errors)).result).toBe("done")
  const collisions = await run(times(5, () => serverError("40P01")))
  expect(collisions.result).toMatchObject({ name: "UserError", kind: "unavailable" })
  expect(collisions.tries).toBe(5)
})

test("refused credentials are fetched anew once, and without a way to fetch them not tried again", async () => {
  let rereads = 0
  const reread = async () => {
    rereads++
  }
  const refused = () => serverError("28P01")
  expect((await run([refused], { reread })).result).toBe("done")
  expect(rereads).toBe(1)
  expect((await run([refused, refused], { reread })).result).toMatchObject({ kind: "permission" })
  expect((await run([refused])).tries).toBe(1)
})

test("an error of the data, and a bug, are thrown as they are: they are for others to judge", async () => {
  for (const error of [serverError("22001"), new TypeError("bug")]) {
    const { result, tries } = await run([() => error])
    expect(result).toBe(error)
    expect(tries).toBe(1)
  }
})

test("what no repetition helps against ends the run at once, and fetches no credentials", async () => {
  let rereads = 0
  const reread = async () => {
    rereads++
  }
  const { result, tries } = await run([() => serverError("42P01")], { reread })
  expect(result).toMatchObject({ name: "UserError" })
  expect(tries).toBe(1)
  await run([() => serverError("40001"), lostConnection], { reread })
  expect(rereads).toBe(0)
})
