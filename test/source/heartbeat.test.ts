import { afterEach, describe, expect, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import { createHeartbeat, type Heartbeat } from "../../src/source/heartbeat.ts"
import type { Delivery } from "../../src/source/source.ts"
import { createManualClock } from "./manual-clock.ts"

const VISIBILITY_SECONDS = 30
const THIRD_MS = 10_000

let running: Heartbeat | undefined
afterEach(async () => {
  await running?.stop().catch(() => {})
  running = undefined
})

const delivery = (id: string, receipt = `${id}-r1`): Delivery => ({
  id,
  receipt,
  body: "{}",
  sentAtMs: 0,
  receiveCount: 1,
})
const deliveries = (count: number) => Array.from({ length: count }, (_, index) => delivery(`m${index}`))

interface Call {
  readonly receipts: string[]
  readonly seconds: number
  readonly atMs: number
  /** Let the call end; with a list, those receipts are lost; with an error, it fails. */
  settle(outcome?: string[] | Error): void
}

/** A source that only extends. Calls end at once, unless `slow`. */
function setUp({ slow = false, lost = [] as string[] } = {}) {
  const clock = createManualClock()
  const startMs = clock.now()
  const calls: Call[] = []
  const beats: [count: number, lost: number, failure: UserError | null][] = []
  const heartbeat = createHeartbeat({
    visibilitySeconds: VISIBILITY_SECONDS,
    clock,
    onBeat: (...beat) => beats.push(beat),
    source: {
      extend: (some, seconds) =>
        new Promise((resolve, reject) => {
          const settle = (outcome: string[] | Error = lost) => {
            if (outcome instanceof Error) reject(outcome)
            else resolve(some.filter(({ receipt }) => outcome.includes(receipt)))
          }
          const receipts = some.map(({ receipt }) => receipt)
          calls.push({ receipts, seconds, atMs: clock.now() - startMs, settle })
          if (!slow) settle()
        }),
    },
  })
  running = heartbeat
  return { clock, calls, beats, heartbeat }
}

/** Whether a promise has settled by now. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending")
  await new Promise((resolve) => setImmediate(resolve))
  return (await Promise.race([promise, Promise.resolve(pending)])) !== pending
}

describe("the heartbeat", () => {
  test("extends what is in hand every third of the visibility timeout, by the whole of it", async () => {
    const { clock, calls, beats, heartbeat } = setUp()
    heartbeat.hold([delivery("a")])
    await clock.pass(3 * THIRD_MS)
    expect(calls.map(({ atMs }) => atMs)).toEqual([THIRD_MS, 2 * THIRD_MS, 3 * THIRD_MS])
    expect(calls.every(({ seconds }) => seconds === VISIBILITY_SECONDS)).toBe(true)
    expect(beats).toEqual([
      [1, 0, null],
      [1, 0, null],
      [1, 0, null],
    ])
  })

  test("never lets a message in hand grow older than half the visibility timeout", async () => {
    for (const heldAtMs of [0, 1000, 4999, 5000, 5001, 9999]) {
      const { clock, calls, heartbeat } = setUp()
      await clock.pass(heldAtMs)
      heartbeat.hold([delivery("a")])
      await clock.pass(10 * THIRD_MS)
      const times = [heldAtMs, ...calls.map(({ atMs }) => atMs)]
      const gaps = times.slice(1).map((atMs, index) => atMs - (times[index] as number))
      expect(Math.max(...gaps)).toBeLessThanOrEqual(1.5 * THIRD_MS)
      await heartbeat.stop()
    }
  })

  test("makes no call for messages that are soon done with", async () => {
    const { clock, calls, beats, heartbeat } = setUp()
    for (let round = 0; round < 20; round++) {
      await clock.pass(6000)
      const batch = deliveries(10)
      heartbeat.hold(batch)
      await clock.pass(4000)
      await heartbeat.release(batch)
    }
    expect(calls).toEqual([])
    expect(beats).toEqual([])
  })

  test("extends ten by ten, eight calls at a time", async () => {
    const { clock, calls, heartbeat } = setUp({ slow: true })
    heartbeat.hold(deliveries(95))
    await clock.pass(THIRD_MS)
    expect(calls).toHaveLength(8)
    for (const call of calls.slice()) call.settle()
    await clock.pass(0)
    expect(calls.map(({ receipts }) => receipts.length)).toEqual([10, 10, 10, 10, 10, 10, 10, 10, 10, 5])
    for (const call of calls) call.settle()
  })

  test("no extension lands after a release: one under way is waited for, the next does not start", async () => {
    const { clock, calls, heartbeat } = setUp({ slow: true })
    const batch = deliveries(90)
    heartbeat.hold(batch)
    await clock.pass(THIRD_MS)
    const released = heartbeat.release(batch)
    expect(await isSettled(released)).toBe(false)
    for (const call of calls.slice()) call.settle()
    await released
    const before = calls.length
    await clock.pass(5 * THIRD_MS)
    expect(before).toBe(8)
    expect(calls).toHaveLength(before)
  })

  test("a release does not wait for the extension of other messages", async () => {
    const { clock, calls, heartbeat } = setUp({ slow: true })
    heartbeat.hold([delivery("slow")])
    await clock.pass(THIRD_MS)
    heartbeat.hold([delivery("other")])
    expect(await isSettled(heartbeat.release([delivery("other")]))).toBe(true)
    calls[0]?.settle()
  })

  test("of a message received twice, the later receipt is extended", async () => {
    const { clock, calls, heartbeat } = setUp()
    heartbeat.hold([delivery("a", "old")])
    heartbeat.hold([delivery("a", "new")])
    await clock.pass(THIRD_MS)
    expect(calls.map(({ receipts }) => receipts)).toEqual([["new"]])
  })

  test("releasing an older receipt leaves the message held by the later one", async () => {
    const { clock, calls, heartbeat } = setUp()
    heartbeat.hold([delivery("a", "old")])
    heartbeat.hold([delivery("a", "new")])
    await heartbeat.release([delivery("a", "old")])
    await clock.pass(THIRD_MS)
    expect(calls.map(({ receipts }) => receipts)).toEqual([["new"]])
  })

  test("a release waits for the extension of an earlier receipt of the same message", async () => {
    const { clock, calls, heartbeat } = setUp({ slow: true })
    heartbeat.hold([delivery("a", "old")])
    await clock.pass(THIRD_MS)
    heartbeat.hold([delivery("a", "new")])
    const released = heartbeat.release([delivery("a", "old"), delivery("a", "new")])
    expect(await isSettled(released)).toBe(false)
    calls[0]?.settle()
    await released
  })

  test("a lost receipt is reported once, and not extended again", async () => {
    const { clock, calls, beats, heartbeat } = setUp({ lost: ["b-r1"] })
    heartbeat.hold([delivery("a"), delivery("b")])
    await clock.pass(2 * THIRD_MS)
    expect(beats).toEqual([
      [1, 1, null],
      [1, 0, null],
    ])
    expect(calls[1]?.receipts).toEqual(["a-r1"])
  })

  test("a call that fails is reported, and made again at the next beat", async () => {
    const { clock, calls, beats, heartbeat } = setUp({ slow: true })
    const failure = new UserError("unavailable", "queue logins does not answer")
    heartbeat.hold([delivery("a")])
    await clock.pass(THIRD_MS)
    calls[0]?.settle(failure)
    await clock.pass(THIRD_MS)
    calls[1]?.settle()
    await clock.pass(0)
    expect(beats).toEqual([
      [0, 0, failure],
      [1, 0, null],
    ])
  })

  test("lets a message go when twelve hours of hiding are nearly over, and says so", async () => {
    const { clock, calls, beats, heartbeat } = setUp()
    heartbeat.hold([delivery("a")])
    await clock.pass(12 * 3600 * 1000 + 60_000)
    const last = calls.at(-1)
    expect(last?.atMs).toBeLessThanOrEqual((12 * 3600 - VISIBILITY_SECONDS) * 1000)
    expect(last?.atMs).toBeGreaterThan((12 * 3600 - 2 * VISIBILITY_SECONDS) * 1000)
    expect(beats.at(-1)).toEqual([0, 1, null])
    expect(beats.filter(([, lost]) => lost > 0)).toHaveLength(1)
  })

  test("stop waits for the round under way, and nothing follows", async () => {
    const { clock, calls, heartbeat } = setUp({ slow: true })
    heartbeat.hold([delivery("a")])
    await clock.pass(THIRD_MS)
    const stopped = heartbeat.stop()
    expect(await isSettled(stopped)).toBe(false)
    calls[0]?.settle()
    await stopped
    await clock.pass(5 * THIRD_MS)
    expect(calls).toHaveLength(1)
  })

  test("a bug in a round is not swallowed: release and stop throw it", async () => {
    const { clock, calls, heartbeat } = setUp({ slow: true })
    heartbeat.hold([delivery("a")])
    await clock.pass(THIRD_MS)
    calls[0]?.settle(new TypeError("a bug"))
    await clock.pass(0)
    await expect(heartbeat.release([delivery("a")])).rejects.toThrow("a bug")
    await expect(heartbeat.stop()).rejects.toThrow("a bug")
  })
})
