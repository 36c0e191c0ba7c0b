import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import type { DrainEvent } from "../../src/drain-event.ts"
import { UserError } from "../../src/errors.ts"
import type { Alert } from "../../src/observe/alert.ts"
import { createAlerts, type SendAlert, type Thresholds } from "../../src/observe/alerts.ts"
import { createDeadLetterLook } from "../../src/observe/dead-letters.ts"
import type { Happening } from "../../src/observe/log-line.ts"

const NOW = 1_800_000_000_000

function setUp({ send, ...thresholds }: Partial<Thresholds> & { send?: SendAlert | null } = {}) {
  const sent: string[] = []
  const logged: string[] = []
  const log = {
    tell(happening: Happening) {
      if (happening.type === "alert") logged.push(`${happening.alert.kind} ${happening.alert.state}`)
      else if (happening.type === "not-told") logged.push(`${happening.kind} not told: ${happening.code}`)
      else if (happening.type === "not-watched") logged.push(`not watched: ${happening.code}`)
    },
  }
  const alerts = createAlerts(
    { rejectPercent: null, oldestMessageSeconds: null, ...thresholds },
    {
      log,
      now: () => NOW,
      send:
        send === undefined
          ? async ({ kind, state }) => {
              sent.push(`${kind} ${state}`)
            }
          : send,
    },
  )
  return { alerts, log, sent, logged }
}

const received = (count: number, ageSeconds = 0): DrainEvent => ({
  type: "received",
  count,
  durationMs: 1,
  oldestSentAtMs: NOW - ageSeconds * 1000,
})
const REJECTED: DrainEvent = {
  type: "rejected",
  messageId: "m",
  rejection: { reason: "missing", field: "ip" },
}
const FINISHED: DrainEvent = { type: "finished", outcome: "empty", heldByOthers: 0 }
const FAILED: Alert = { kind: "run-failed", state: "alarm", words: "the run failed" }

describe("the reject rate", () => {
  test("is told when it passes the threshold, once, and when it is back under it", async () => {
    const { alerts, sent } = setUp({ rejectPercent: 10 })
    const window = async (count: number, rejects: number) => {
      alerts.see(received(count))
      for (let n = 0; n < rejects; n++) alerts.see(REJECTED)
      alerts.look()
      await alerts.settle(1000)
    }
    await window(100, 10)
    expect(sent).toEqual([])
    await window(100, 11)
    expect(sent).toEqual(["reject-rate alarm"])
    await window(100, 100)
    await window(0, 0)
    expect(sent).toEqual(["reject-rate alarm"])
    await window(100, 0)
    await window(100, 0)
    expect(sent).toEqual(["reject-rate alarm", "reject-rate ok"])
    await window(100, 50)
    expect(sent).toEqual(["reject-rate alarm", "reject-rate ok", "reject-rate alarm"])
  })

  test("of fewer than twenty messages says nothing, until the run ends", async () => {
    const { alerts, sent } = setUp({ rejectPercent: 10 })
    for (let n = 0; n < 19; n++) {
      alerts.see(received(1))
      alerts.see(REJECTED)
      alerts.look()
    }
    expect(sent).toEqual([])
    alerts.see(FINISHED)
    await alerts.settle(1000)
    expect(sent).toEqual(["reject-rate alarm"])
  })

  test("of zero percent is passed by a single reject; of null by none", () => {
    for (const [rejectPercent, told] of [
      [0, ["reject-rate alarm"]],
      [null, []],
    ] as const) {
      const { alerts, logged } = setUp({ rejectPercent })
      alerts.see(received(1000))
      alerts.see(REJECTED)
      alerts.see(FINISHED)
      expect(logged).toEqual(told)
    }
  })
})

describe("the oldest message", () => {
  test("is told when it is older than the threshold, and when none is any more", () => {
    const { alerts, logged } = setUp({ oldestMessageSeconds: 60 })
    const window = (...events: DrainEvent[]) => {
      for (const event of events) alerts.see(event)
      alerts.look()
    }
    window(received(1, 60))
    expect(logged).toEqual([])
    window(received(1, 61), received(1, 2))
    window(received(1, 70))
    expect(logged).toEqual(["oldest-message alarm"])
    // Nobody polls, so nobody knows.
    window()
    expect(logged).toHaveLength(1)
    window({ type: "empty-poll", consecutive: 1 })
    expect(logged).toEqual(["oldest-message alarm", "oldest-message ok"])
  })
})

describe("the dead-letter queue", () => {
  const counts = (visible: number, inFlight = 0) => ({ visible, inFlight, delayed: 0 })

  test("is told when it is not empty, and when it is again", async () => {
    const { alerts, log, logged } = setUp()
    const answers = [counts(0), counts(3), counts(5), counts(0, 1), counts(0)]
    const look = createDeadLetterLook(async () => ({ counts: async () => answers.shift() ?? counts(0) }), {
      alerts,
      log,
    })
    for (let n = 0; n < 6; n++) await look()
    expect(logged).toEqual(["dead-letters alarm", "dead-letters ok"])
  })

  test("that we may not look into is told once, and left alone", async () => {
    const { alerts, log, logged } = setUp()
    let looks = 0
    const refusing = async () => {
      looks++
      throw new UserError("permission", "no")
    }
    const look = createDeadLetterLook(async () => ({ counts: refusing }), { alerts, log })
    for (let n = 0; n < 3; n++) await look()
    expect(logged).toEqual(["not watched: permission"])
    expect(looks).toBe(1)
  })

  test("that does not answer is looked into again", async () => {
    const { alerts, log, logged } = setUp()
    const answers = [
      () => Promise.reject(new UserError("unavailable", "no")),
      () => Promise.resolve(counts(1)),
    ]
    const next = () => (answers.shift() ?? (() => Promise.resolve(counts(1))))()
    const look = createDeadLetterLook(async () => ({ counts: next }), { alerts, log })
    await look()
    expect(logged).toEqual([])
    await look()
    expect(logged).toEqual(["dead-letters alarm"])
  })

  test("is looked into by one at a time", async () => {
    const { alerts, log } = setUp()
    let inside = 0
    let most = 0
    const slow = async () => {
      most = Math.max(most, ++inside)
      await sleep(20)
      inside--
      return counts(0)
    }
    const look = createDeadLetterLook(async () => ({ counts: slow }), { alerts, log })
    await Promise.all([look(), look(), look()])
    expect(most).toBe(1)
  })
})

describe("telling", () => {
  test("stands in the log as well, also without a topic", async () => {
    const { alerts, logged } = setUp({ send: null })
    alerts.raise(FAILED)
    alerts.raise(FAILED)
    await alerts.settle(1000)
    expect(logged).toEqual(["run-failed alarm"])
  })

  test("tells each recovery: it is an event, not a state", async () => {
    const { alerts, sent } = setUp()
    for (let n = 0; n < 3; n++) alerts.raise({ kind: "recovery", state: "alarm", words: "u", count: n })
    await alerts.settle(1000)
    expect(sent).toEqual(["recovery alarm", "recovery alarm", "recovery alarm"])
  })

  test("that fails is told to the log by the error's name alone, and stops nothing", async () => {
    const error = Object.assign(new Error("198.51.100.7"), { name: "AuthorizationErrorException" })
    const { alerts, logged } = setUp({ send: () => Promise.reject(error) })
    alerts.raise(FAILED)
    alerts.raise({ ...FAILED, state: "ok" })
    await alerts.settle(1000)
    expect(logged).toEqual([
      "run-failed alarm",
      "run-failed ok",
      "run-failed not told: AuthorizationErrorException",
      "run-failed not told: AuthorizationErrorException",
    ])
  })

  test("repeats no name of an error that is no name", async () => {
    const error = Object.assign(new Error(""), { name: "x\n{}" })
    const { alerts, logged } = setUp({ send: () => Promise.reject(error) })
    alerts.raise(FAILED)
    await alerts.settle(1000)
    expect(logged.at(-1)).toBe("run-failed not told: an error without a name")
  })

  test("returns at once, and is waited for at the end no longer than it is said", async () => {
    const { alerts, logged } = setUp({ send: () => new Promise(() => {}) })
    const started = performance.now()
    alerts.raise(FAILED)
    alerts.raise({ kind: "recovery", state: "alarm", words: "u" })
    expect(performance.now() - started).toBeLessThan(1_000)
    await alerts.settle(100)
    expect(performance.now() - started).toBeLessThan(10_000)
    expect(logged.slice(2)).toEqual([
      "run-failed not told: no answer in time",
      "recovery not told: no answer in time",
    ])
  })

  test("of a flood keeps fifty, and tells the log of the rest", () => {
    const { alerts, logged } = setUp({ send: () => new Promise(() => {}) })
    for (let n = 0; n < 60; n++) alerts.raise({ kind: "recovery", state: "alarm", words: "u" })
    expect(logged.filter((line) => line === "recovery not told: too many wait")).toHaveLength(10)
  })
})
