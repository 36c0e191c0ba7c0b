import { setImmediate as turn } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import { createLog } from "../../src/tui/log.ts"
import type { Ports } from "../../src/tui/ports.ts"
import { type Session, startSession } from "../../src/tui/session.ts"
import { createManualClock } from "../source/manual-clock.ts"
import { fakePorts, NOW, scriptedRun } from "./fake-ports.ts"

function setUp(change: (ports: Ports) => Ports = (ports) => ports) {
  const fake = fakePorts()
  const clock = createManualClock(NOW)
  const log = createLog(clock.now)
  const session = startSession(change(fake.ports), clock, log)
  const act = (action: Parameters<Session["act"]>[0]) => session.act(action, 10)
  return { ...fake, clock, log, session, act, model: () => session.store.current() }
}

/** Whether a promise is settled, as far as the work that is ready can tell. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let settled = false
  void promise.then(() => {
    settled = true
  })
  for (let turns = 0; turns < 10; turns++) await turn()
  return settled
}

describe("the drain behind the screen", () => {
  test("begins by itself, and its events become figures", async () => {
    const { run, clock, model, session } = setUp()
    run.emit({ type: "received", count: 10, durationMs: 4, oldestSentAtMs: NOW })
    await clock.pass(600)
    expect(model().drain.view).toMatchObject({
      doing: { state: "draining" },
      totals: { received: 10 },
      inHand: 10,
    })
    expect(model().drain.view?.depth?.counts.visible).toBe(120_334)
    session.leave()
  })

  test("thousands of events between two ticks make one message to the model", async () => {
    const { run, clock, session } = setUp()
    await clock.pass(1000)
    let pictures = 0
    session.store.subscribe(() => pictures++)
    for (let at = 0; at < 5000; at++)
      run.emit({ type: "received", count: 10, durationMs: 4, oldestSentAtMs: null })
    await clock.pass(500)
    expect(pictures).toBeLessThanOrEqual(2)
    expect(session.store.current().drain.view?.totals.received).toBe(50_000)
  })

  test("p pauses, p again takes in messages again", async () => {
    const { run, clock, act } = setUp()
    run.emit({ type: "received", count: 10, durationMs: 4, oldestSentAtMs: null })
    await clock.pass(600)
    act({ type: "pause" })
    run.emit({ type: "paused" })
    await clock.pass(600)
    act({ type: "pause" })
    expect(run.calls).toEqual(["pause", "resume"])
  })

  test("a pause shows at once, not with the next picture", async () => {
    const { run, clock, model, act, session } = setUp()
    await clock.pass(600)
    act({ type: "pause" })
    run.emit({ type: "paused" })
    await turn()
    expect(model().drain.view?.doing.state).toBe("paused")
    session.leave()
  })

  test("a failure is shown with its hint, and the screen stays", async () => {
    const { run, clock, model, session } = setUp()
    const failure = new UserError("unavailable", "the database did not answer", { hint: "see that it runs" })
    run.emit({ type: "finished", outcome: "failed", heldByOthers: 0 })
    run.end(failure)
    await clock.pass(600)
    expect(model().drain.view).toMatchObject({
      doing: { state: "failed" },
      failure: { hint: "see that it runs" },
    })
    expect(await isSettled(session.ended)).toBe(false)
    session.leave()
    await expect(session.ended).resolves.toMatchObject({ failure, run: { outcome: "failed" } })
  })

  test("an error that is not for people to read is told by its name alone", async () => {
    const { run, clock, model } = setUp()
    run.end(new TypeError("cannot read 203.0.113.77"))
    await clock.pass(600)
    const problem = model().drain.view?.failure
    expect(problem?.message).toBe("something unforeseen happened (TypeError)")
  })

  test("a run that cannot begin is a failure like another", async () => {
    const { clock, model } = setUp((ports) => ({
      ...ports,
      drain: {
        port: {
          start: () => {
            throw new UserError("config", "there is no queue")
          },
          counts: async () => ({ visible: 0, inFlight: 0, delayed: 0 }),
        },
      },
    }))
    await clock.pass(600)
    expect(model().drain.view).toMatchObject({
      doing: { state: "failed" },
      failure: { message: "there is no queue" },
    })
  })

  test("after the end, r drains again with figures of its own", async () => {
    const runs = [scriptedRun(), scriptedRun()]
    let begun = 0
    const { clock, act, model } = setUp((ports) => ({
      ...ports,
      drain: {
        port: {
          start: () => runs[begun++] as ReturnType<typeof scriptedRun>,
          counts: async () => ({ visible: 0, inFlight: 0, delayed: 0 }),
        },
      },
    }))
    act({ type: "again" })
    expect(begun).toBe(1)
    runs[0]?.emit({ type: "received", count: 10, durationMs: 4, oldestSentAtMs: null })
    runs[0]?.emit({ type: "finished", outcome: "empty", heldByOthers: 0 })
    runs[0]?.end()
    await clock.pass(600)
    expect(model().drain.view?.doing.state).toBe("finished")
    act({ type: "again" })
    await clock.pass(600)
    expect(begun).toBe(2)
    expect(model().drain.view).toMatchObject({ doing: { state: "connecting" }, totals: { received: 0 } })
  })

  test("counts that do not come are a line in the log, not a failure", async () => {
    const { clock, model, log } = setUp((ports) => ({
      ...ports,
      drain: {
        port: {
          start: () => scriptedRun(),
          counts: async () => {
            throw new UserError("permission", "sqs:GetQueueAttributes is not allowed")
          },
        },
      },
    }))
    await clock.pass(30_000)
    expect(model().drain.view?.doing.state).toBe("connecting")
    expect(log.list().map(({ text }) => text)).toEqual([
      "the queue's counts do not come: sqs:GetQueueAttributes is not allowed",
    ])
  })
})

describe("leaving", () => {
  test("the first time finishes the batch in hand and then ends", async () => {
    const { run, clock, session, act, model } = setUp()
    run.emit({ type: "received", count: 10, durationMs: 4, oldestSentAtMs: null })
    await clock.pass(600)
    act({ type: "leave" })
    expect(run.calls).toEqual(["stop"])
    expect(model().drain.view?.doing.state).toBe("stopping")
    expect(await isSettled(session.ended)).toBe(false)
    run.emit({ type: "stored", stored: 10, duplicates: 0, quarantined: 0, originals: 0, durationMs: 1 })
    run.emit({ type: "finished", outcome: "stopped", heldByOthers: 0 })
    run.end()
    await expect(session.ended).resolves.toMatchObject({
      isCutShort: false,
      run: { outcome: "stopped", totals: { received: 10, stored: 10 } },
    })
  })

  test("the second time ends at once", async () => {
    const { run, clock, session, act } = setUp()
    await clock.pass(600)
    act({ type: "leave" })
    act({ type: "leave" })
    expect(run.calls).toEqual(["stop", "stopNow"])
    await expect(session.ended).resolves.toMatchObject({ isCutShort: true })
  })

  test("a signal is the same as the key, also when it comes twice", async () => {
    const { run, clock, session } = setUp()
    await clock.pass(600)
    session.leave()
    session.leave()
    expect(run.calls).toEqual(["stop", "stopNow"])
    await session.ended
  })

  test("with nothing running it ends at once", async () => {
    const { run, clock, session, act } = setUp()
    run.end()
    await clock.pass(600)
    act({ type: "leave" })
    await expect(session.ended).resolves.toMatchObject({ isCutShort: false, wants: null })
  })

  test("the demo is asked for from a bare start, and only there", async () => {
    const bare = { missing: { message: "no queue is named" } }
    const configured = setUp()
    configured.act({ type: "demo" })
    expect(await isSettled(configured.session.ended)).toBe(false)
    const { session, act } = setUp((ports) => ({ ...ports, drain: bare }))
    act({ type: "demo" })
    await expect(session.ended).resolves.toMatchObject({ run: null, wants: "demo" })
  })

  test("after the end no timer keeps the process", async () => {
    const { run, clock, session } = setUp()
    run.end()
    await clock.pass(600)
    session.leave()
    await session.ended
    let pictures = 0
    session.store.subscribe(() => pictures++)
    await clock.pass(60_000)
    expect(pictures).toBe(0)
  })
})

describe("questions to the ports", () => {
  test("a screen asks when one comes to it, and shows what was answered", async () => {
    const { act, clock, model } = setUp()
    for (const screen of ["quarantine", "audit", "doctor", "keys", "recover"] as const)
      act({ type: "show", screen })
    await clock.pass(600)
    expect(model().quarantine.groups.value).toHaveLength(5)
    expect(model().audit.records.value).toHaveLength(60)
    expect(model().doctor).toMatchObject({ isRunning: false, checks: { length: 8 } })
    expect(model().keys.ring.value?.maskKeys).toHaveLength(3)
    expect(model().recover.policy.value?.user).toBe("alice")
  })

  test("what fails keeps what was there before, and says why", async () => {
    let isUp = true
    const { act, clock, model } = setUp((ports) => ({
      ...ports,
      keys: {
        port: {
          keys: async () => {
            if (!isUp) throw new UserError("unavailable", "the database did not answer")
            return { maskKeys: [], recipients: [], dataKeys: [] }
          },
        },
      },
    }))
    act({ type: "show", screen: "keys" })
    await clock.pass(600)
    isUp = false
    act({ type: "again" })
    await clock.pass(600)
    expect(model().keys.ring).toMatchObject({
      value: { maskKeys: [] },
      problem: { message: "the database did not answer" },
    })
  })

  test("the audit asks the database for what the filter says, and for older records at the end of the list", async () => {
    const { act, clock, calls, model } = setUp()
    act({ type: "show", screen: "audit" })
    await clock.pass(600)
    act({ type: "filter" })
    act({ type: "insert", text: "u-1700" })
    expect(calls.filter((call) => call.startsWith("records"))).toEqual(["records  null"])
    act({ type: "open" })
    await clock.pass(600)
    expect(calls.at(-1)).toBe("records u-1700 null")
    expect(model().audit.list.isFiltering).toBe(false)
  })

  test("an approval by another user shows by itself", async () => {
    const { act, clock, approve, model } = setUp()
    act({ type: "show", screen: "recover" })
    await clock.pass(600)
    const typed = ["u-17", "asked by legal, case 4417", ""]
    act({ type: "open" })
    for (const text of typed) {
      act({ type: "insert", text })
      act({ type: "open" })
    }
    act({ type: "open" })
    await clock.pass(2500)
    expect(model().recover.step).toMatchObject({ at: "approval", request: { approvals: [] } })
    approve("bob")
    await clock.pass(2500)
    expect(model().recover.step).toMatchObject({ at: "release", request: { approvals: [{ by: "bob" }] } })
  })
})
