import type { DrainEvent } from "../drain-event.ts"
import type { Clock } from "../time/clock.ts"
import type { Action } from "./action.ts"
import { performIn } from "./effects.ts"
import { problemOf } from "./loaded.ts"
import type { Log, LogLine } from "./log.ts"
import { createDrainMeter, type DrainMeter } from "./meter/drain-meter.ts"
import type { DrainView } from "./meter/drain-view.ts"
import { firstModel, type Model } from "./model.ts"
import type { DrainRun, Ports } from "./ports.ts"
import { createStore, type Store } from "./store.ts"
import { type Effect, type Message, update } from "./update.ts"

/** Figures that change faster than this cannot be read, and every picture takes from the drain. */
const TICK_MS = 500
const COUNTS_EVERY_MS = 5000

/** Events that answer a key: whoever pressed it waits for the picture. */
const ANSWERS: ReadonlySet<DrainEvent["type"]> = new Set(["paused", "resumed", "stopping"])

/** How a session ended. */
export interface SessionEnd {
  /** The last run, or null when none was begun. */
  readonly run: DrainView | null
  /** What the last run threw, for the exit status. */
  readonly failure: unknown
  /** The operator left before the run had ended. */
  readonly isCutShort: boolean
  readonly wants: "demo" | null
}

/** The work behind the screen: it runs the drain, asks the ports, keeps the time. No surface does. */
export interface Session {
  readonly store: Store<Model, Message>
  act(action: Action, pageRows: number): void
  /** As the leave key: finish the batch in hand, then end; a second time, end now. */
  leave(): void
  readonly ended: Promise<SessionEnd>
}

export function startSession(ports: Ports, clock: Clock, log: Log): Session {
  const closing = new AbortController()
  const ended = Promise.withResolvers<SessionEnd>()
  let run: DrainRun | null = null
  let meter: DrainMeter | null = null
  let failure: unknown
  let lastTick: { second: number; log: readonly LogLine[]; changes: number } | null = null
  /** Grows with everything that a picture of the run would show. */
  let changes = 0

  const store = createStore<Model, Message, Effect>(firstModel(ports, clock.now()), update, perform)
  const ask = performIn(ports, (news) => store.dispatch({ type: "told", news }))

  function perform(effect: Effect): void {
    switch (effect.type) {
      case "drain-start":
        void drain()
        break
      case "drain-pause":
        run?.pause()
        break
      case "drain-resume":
        run?.resume()
        break
      case "leave":
        leave(effect.now)
        break
      case "demo":
        end("demo")
        break
      default:
        ask(effect)
    }
  }

  async function drain(): Promise<void> {
    const port = ports.drain.port
    if (port === undefined || run !== null) return
    const mine = createDrainMeter(clock.now)
    meter = mine
    failure = undefined
    changes++
    try {
      run = port.start()
      for await (const event of run.events) {
        mine.add(event)
        changes++
        if (ANSWERS.has(event.type)) tick()
      }
    } catch (error) {
      failure = error
      mine.failed(problemOf(error))
      changes++
    }
    run = null
    tick()
    if (store.current().isLeaving) end(null)
  }

  function leave(now: boolean): void {
    if (run === null || now) {
      run?.stopNow()
      end(null)
      return
    }
    run.stop()
    meter?.stopping()
    changes++
    tick()
  }

  function end(wants: SessionEnd["wants"]): void {
    if (closing.signal.aborted) return
    closing.abort()
    const isCutShort = run !== null
    store.close()
    ended.resolve({ run: meter?.view() ?? null, failure, isCutShort, wants })
  }

  /** A picture when something happened, and one a second for what only ages. */
  function tick(): void {
    const nowMs = clock.now()
    // Elsewhere than on the drain's screen only the header tells of it, and once a second is enough.
    const isInSight = store.current().screen === "drain"
    const next = { second: Math.floor(nowMs / 1000), log: log.list(), changes: isInSight ? changes : 0 }
    const isSame =
      lastTick !== null &&
      next.second === lastTick.second &&
      next.log === lastTick.log &&
      next.changes === lastTick.changes
    if (isSame) return
    lastTick = next
    store.dispatch({ type: "tick", nowMs, drain: meter?.view() ?? null, log: next.log })
  }

  async function keepTime(): Promise<void> {
    while (!closing.signal.aborted) {
      tick()
      await clock.sleep(TICK_MS, closing.signal)
    }
  }

  async function keepCounts(): Promise<void> {
    const port = ports.drain.port
    let isFailing = false
    while (port !== undefined && !closing.signal.aborted) {
      try {
        meter?.addCounts(await port.counts())
        changes++
        isFailing = false
      } catch (error) {
        if (!isFailing) log.add(`the queue's counts do not come: ${problemOf(error).message}`)
        isFailing = true
      }
      await clock.sleep(COUNTS_EVERY_MS, closing.signal)
    }
  }

  void drain()
  void keepTime()
  void keepCounts()

  return {
    store,
    act(action, pageRows) {
      store.dispatch({ type: "act", action, pageRows })
    },
    leave() {
      store.dispatch({ type: "act", action: { type: "leave" }, pageRows: 0 })
    },
    ended: ended.promise,
  }
}
