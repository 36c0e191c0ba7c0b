import { PassThrough } from "node:stream"
import { setTimeout as sleep } from "node:timers/promises"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { actionsOf } from "../../src/tui/linear/input.ts"
import { menuOf, pageOf } from "../../src/tui/linear/pages.ts"
import { createTeller } from "../../src/tui/linear/run-linear.ts"
import type { Model } from "../../src/tui/model.ts"
import { runTui } from "../../src/tui/run.tsx"
import { HOSTILE } from "../hostile.ts"
import { withConsoleClass } from "./console-class.ts"
import { fakePorts, NOW, ORIGINALS, type Taint } from "./fake-ports.ts"
import { allModels, busyView, fullModel } from "./full-model.ts"

const models = allModels()
const model = (name: string) => models.get(name) as Model
const said = (name: string) => pageOf(model(name)).join("\n")

describe("what is said of a screen", () => {
  test("every line says what it is about before it says the figure", () => {
    const lines = pageOf(model("drain"))
    expect(lines[0]).toMatch(/^Drain\. State: draining\. Draining [\d,]+ messages a second/)
    expect(lines).toContainEqual(
      expect.stringMatching(/^Messages: received [\d,]+, stored [\d,]+, duplicates/),
    )
    expect(lines).toContainEqual(
      expect.stringMatching(/^Queue: waiting [\d,]+, in flight 4,000, delayed 0, oldest message 3 min\.$/),
    )
    expect(lines).toContainEqual(expect.stringMatching(/^Stage commit: median \d+\.\d ms, 99th percentile/))
  })

  test("lists are numbered, and long ones end with how many more there are", () => {
    expect(said("quarantine")).toContain("#1: 1,204 messages, wrong-type at ip, shape")
    expect(said("audit")).toContain("And 40 more: / and words narrow the list.")
    expect(said("doctor")).toContain("FAILED, tables: user_logins.masked_ip")
    expect(said("doctor")).toContain("What to do: run `peppermill init`")
    expect(said("keys")).toContain("mask key k2, active, matches the database")
  })

  test("has no box, no bar and no column", () => {
    for (const [name, one] of models) {
      const text = [...pageOf(one), menuOf(one)].join("\n")
      expect(text, name).not.toMatch(/[─━│▁▂▃▄▅▆▇█●›]| {3}/)
    }
  })

  test("never an original: what was said cannot be hidden again", () => {
    for (const [name, one] of models) {
      for (const { value } of ORIGINALS) expect(pageOf(one).join("\n"), name).not.toContain(value)
    }
    expect(said("recover approved")).toContain("Release it with: peppermill recover release 42")
  })

  test("the menu names the screens and the keys that work", () => {
    expect(menuOf(model("drain"))).toBe(
      "Menu: 1 Drain, 2 Quarantine, 3 Recover, 4 Audit, 5 Doctor, 6 Keys, p pause, / filter, Tab screen, ? help, q leave. Type one, then Enter.",
    )
    expect(menuOf(model("recover typed"))).toBe("Type the answer, then Enter. The word esc goes back.")
  })
})

describe("what a typed line asks for", () => {
  test.each([
    ["drain", "2", [{ type: "show", screen: "quarantine" }]],
    ["drain", "p", [{ type: "pause" }]],
    ["drain", " q ", [{ type: "leave" }]],
    ["recover", "", [{ type: "open" }]],
    ["quarantine", "#3", [{ type: "select", index: 2 }, { type: "open" }]],
    ["doctor", "#3", [{ type: "select", index: 2 }]],
    [
      "audit",
      "/alice denied",
      [
        { type: "filter" },
        { type: "delete", what: "all" },
        { type: "insert", text: "alice denied" },
        { type: "open" },
      ],
    ],
    [
      "recover typed",
      "q",
      [{ type: "delete", what: "all" }, { type: "insert", text: "q" }, { type: "open" }],
    ],
    ["recover typed", "esc", [{ type: "back" }]],
    ["help", "esc", [{ type: "back" }]],
    ["drain", "xyzzy", null],
    ["recover", "#1", null],
  ])("on %s, %j is %j", (name, line, actions) => {
    expect(actionsOf(model(name), line)).toEqual(actions)
  })
})

describe("what is said unasked", () => {
  const full = fullModel()
  const drain = (last: Parameters<typeof busyView>[1], nowMs = NOW): Model => ({
    ...full,
    screen: "drain",
    nowMs,
    drain: { ...full.drain, view: busyView((text) => text, last) },
  })

  function listener(first: Model) {
    const heard: string[] = []
    const teller = createTeller(first, (lines) => heard.push(...lines))
    return { heard, teller }
  }

  test("a change of state, once", () => {
    const { heard, teller } = listener(drain([]))
    teller.changed(drain([]))
    teller.changed(drain([{ type: "paused" }]))
    teller.changed(drain([{ type: "paused" }]))
    expect(heard).toHaveLength(1)
    expect(heard[0]).toMatch(/^State: paused\. Paused: no more messages/)
  })

  test("a summary every thirty seconds, while a run goes on", () => {
    const { heard, teller } = listener(drain([]))
    for (let second = 1; second <= 95; second++) teller.changed(drain([], NOW + second * 1000))
    expect(heard).toHaveLength(3)
    expect(heard[0]).toMatch(/^Messages: received/)
  })

  test("of a page that changed, only the lines that are new", () => {
    const waiting = model("recover waiting")
    const { heard, teller } = listener(waiting)
    teller.page(waiting)
    teller.changed(waiting)
    expect(heard).toEqual([])
    teller.changed(model("recover approved"))
    expect(heard[0]).toBe("Request 42 is approved.")
  })
})

describe("on a terminal", { timeout: 90_000 }, () => {
  beforeEach(() => {
    withConsoleClass()
  })
  const stops: (() => Promise<void>)[] = []
  afterEach(async () => {
    for (const stop of stops.splice(0)) await stop()
  })

  function start(taint?: Taint) {
    const fake = fakePorts({ approvals: 0, ttlMinutes: 1e7, ...(taint === undefined ? {} : { taint }) })
    const stdin = new PassThrough()
    const stdout = new PassThrough({ encoding: "utf8" })
    let written = ""
    stdout.on("data", (text: string) => {
      written += text
    })
    const stop = new AbortController()
    const ended = runTui(fake.ports, {
      drawing: { hasColour: true, isAscii: false, isLinear: true },
      stdin: stdin as unknown as NodeJS.ReadStream,
      stdout: stdout as unknown as NodeJS.WriteStream,
      stop: stop.signal,
    })
    stops.push(async () => {
      fake.run.end()
      stop.abort()
      await ended
    })
    async function hears(pattern: RegExp): Promise<void> {
      const untilMs = Date.now() + 20_000
      while (!pattern.test(written)) {
        if (Date.now() > untilMs) throw new Error(`${pattern} was not said:\n${written}`)
        await sleep(10)
      }
    }
    return {
      ...fake,
      ended,
      hears,
      say: (line: string) => stdin.write(`${line}\n`),
      written: () => written,
      stdin,
    }
  }

  test("is written once and never changed: no escape sequence, whatever happens", async () => {
    const { run, hears, say, ended, written } = start()
    await hears(/Menu: 1 Drain/)
    run.emit({ type: "received", count: 10, durationMs: 4, oldestSentAtMs: null })
    await hears(/State: draining/)
    say("5")
    await hears(/FAILED, tables/)
    say("xyzzy")
    await hears(/That is no key here/)
    say("q")
    await hears(/State: stopping/)
    run.emit({ type: "finished", outcome: "stopped", heldByOthers: 0 })
    run.end()
    await expect(ended).resolves.toMatchObject({ run: { outcome: "stopped" } })
    expect(written()).toMatch(/^[^\p{Cc}]*(\n[^\p{Cc}]*)*$/u)
  })

  test("asks for a recovery question by question, and does not say the original", async () => {
    const { hears, say, calls, written } = start()
    say("3")
    await hears(/Policy: you are alice; it takes no approval by others/)
    for (const line of ["", "u-17", "asked by legal, case 4417", "", ""]) say(line)
    await hears(/Request 42 is approved/)
    for (const line of ["", "release", "", "release"]) say(line)
    await hears(/peppermill recover release 42/)
    await sleep(100)
    expect(calls.filter((call) => call.startsWith("release"))).toEqual([])
    for (const { value } of ORIGINALS) expect(written()).not.toContain(value)
  })

  test("a terminal that goes away leaves, and finishes the batch in hand", async () => {
    const { run, stdin, hears, ended } = start()
    await hears(/Menu/)
    stdin.end()
    await hears(/State: stopping/)
    expect(run.calls).toEqual(["stop"])
    run.end()
    await ended
  })

  test("shows hostile data and obeys none of it", async () => {
    const payload = Object.values(HOSTILE).join("")
    const { say, hears, written } = start((text) => `${payload}${text}`)
    for (const [key, pattern] of [
      ["2", /#1: 1,204 messages/],
      ["#1", /#1: .*6f1c/],
      ["4", /#1: number 1,042/],
      ["5", /What to do: /],
      ["6", /#1: mask key/],
      ["3", /Policy: you are/],
    ] as const) {
      say(key)
      await hears(pattern)
    }
    expect(written()).not.toMatch(/(?!\n)\p{Cc}|[\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/u)
  })
})
