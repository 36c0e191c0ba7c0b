import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { Ports } from "../../src/tui/ports.ts"
import { runTui } from "../../src/tui/run.tsx"
import type { SessionEnd } from "../../src/tui/session.ts"
import type { Drawing } from "../../src/tui/terminal.ts"
import { HOSTILE } from "../hostile.ts"
import { withConsoleClass } from "./console-class.ts"
import { fakePorts, type Taint } from "./fake-ports.ts"
import { createFakeTerminal, type FakeTerminal } from "./fake-terminal.ts"

const COLOUR: Drawing = { hasColour: true, isAscii: false, isLinear: false }
const ESC = "\u001b"

/** Every picture is a real one, on a machine that may have other things to do. */
const SLOW = { timeout: 90_000 }

interface Running extends ReturnType<typeof fakePorts> {
  readonly terminal: FakeTerminal
  readonly stop: AbortController
  readonly ended: Promise<SessionEnd>
}

let running: Running[] = []

function start(
  options: {
    size?: readonly [number, number]
    taint?: Taint
    drawing?: Partial<Drawing>
    change?: (ports: Ports) => Ports
  } = {},
): Running {
  const { size = [80, 24], taint, drawing = {}, change = (ports) => ports } = options
  const fake = fakePorts({ ttlMinutes: 1e7, ...(taint === undefined ? {} : { taint }) })
  const terminal = createFakeTerminal(...size)
  const stop = new AbortController()
  const { stdin, stdout } = terminal
  const ended = runTui(change(fake.ports), {
    drawing: { ...COLOUR, ...drawing },
    stdin,
    stdout,
    stop: stop.signal,
  })
  const it = { ...fake, terminal, stop, ended }
  running.push(it)
  return it
}

beforeEach(() => {
  withConsoleClass()
})

afterEach(async () => {
  for (const { run, stop, ended } of running) {
    run.end()
    stop.abort()
    await ended.catch(() => {})
  }
  running = []
})

describe("on a terminal", SLOW, () => {
  test("draws on the alternate screen, and leaves the primary one as it was", async () => {
    const { terminal, run, ended } = start()
    await terminal.sees(/1 Drain {2}2 Quarantine/)
    expect(terminal.isAlternate).toBe(true)
    expect(terminal.isRaw).toBe(true)
    run.emit({ type: "received", count: 1234, durationMs: 4, oldestSentAtMs: null })
    await terminal.sees(/received +1,234/)
    run.end()
    await terminal.sees(/received +1,234/)
    terminal.type("q")
    await expect(ended).resolves.toMatchObject({ run: { totals: { received: 1234 } } })
    expect(terminal.isAlternate).toBe(false)
    expect(terminal.isRaw).toBe(false)
    // The cursor shows again, and nothing of ours stands where the summary will.
    expect(terminal.raw().lastIndexOf(`${ESC}[?25h`)).toBeGreaterThan(
      terminal.raw().lastIndexOf(`${ESC}[?25l`),
    )
    expect((await terminal.text()).trim()).toBe("")
  })

  test("q finishes the batch in hand first, and says so; q again leaves at once", async () => {
    const { terminal, run, ended } = start()
    await terminal.sees(/peppermill/)
    terminal.type("q")
    await terminal.sees(/Finishing the batch in hand\. Press again to leave at once\./)
    expect(run.calls).toEqual(["stop"])
    terminal.type("q")
    await expect(ended).resolves.toMatchObject({ isCutShort: true })
    expect(run.calls).toEqual(["stop", "stopNow"])
  })

  test("Ctrl+C is the same key, while typing too", async () => {
    const { terminal, run } = start()
    await terminal.sees(/peppermill/)
    terminal.type("3")
    await terminal.sees(/Enter begins to type/)
    terminal.type("\r")
    await terminal.sees(/Enter goes on, Esc stops typing/)
    terminal.type("\u0003")
    await terminal.sees(/Finishing the batch/)
    expect(run.calls).toEqual(["stop"])
  })

  test("a signal finishes the batch in hand, as q does", async () => {
    const { terminal, run, stop, ended } = start()
    await terminal.sees(/peppermill/)
    stop.abort()
    await terminal.sees(/Finishing the batch/)
    run.emit({ type: "finished", outcome: "stopped", heldByOthers: 0 })
    run.end()
    await expect(ended).resolves.toMatchObject({ isCutShort: false, run: { outcome: "stopped" } })
  })

  test("keys that come in one chunk are keys one by one", async () => {
    const { terminal } = start()
    await terminal.sees(/peppermill/)
    terminal.type("2")
    await terminal.sees(/5 groups/)
    terminal.type("jj")
    await terminal.sees(/› +88 {2}missing/)
  })

  test("what is pasted is text for a field, and never keys", async () => {
    const { terminal, run } = start()
    await terminal.sees(/peppermill/)
    terminal.type(`${ESC}[200~q2\r${ESC}[201~`)
    terminal.type("3")
    await terminal.sees(/What to recover/)
    terminal.type("\r")
    await terminal.sees(/Esc stops typing/)
    terminal.type(`${ESC}[200~u-17\rq${ESC}[201~`)
    await terminal.sees(/About +u-17 q▏/)
    expect(run.calls).toEqual([])
  })

  test("from a subject to its originals and back into hiding, approved by someone else meanwhile", async () => {
    const { terminal, approve } = start({ size: [100, 30] })
    await terminal.sees(/peppermill/)
    terminal.type("3")
    await terminal.sees(/You are alice/)
    terminal.type("\ru-17\rasked by legal, case 4417\r\r")
    await terminal.sees(/To be asked for, on the record/)
    terminal.type("\r")
    await terminal.sees(/Waiting for 1 approval by another user/)
    approve("bob")
    await terminal.sees(/Approved by bob/)
    terminal.type("\rrelease\r")
    await terminal.sees(/device_id +u-17 +device-4711 +verified/)
    terminal.type("1")
    await terminal.sees(/Connecting|Asking the queue/)
    terminal.type("3")
    await terminal.sees(/Hidden, because you left the screen/)
    expect(await terminal.text()).not.toContain("device-4711")
  })

  test("Ctrl+L draws anew what someone else wrote over", async () => {
    const { terminal } = start()
    await terminal.sees(/Messages ─/)
    terminal.stdout.write(`${ESC}[HBroadcast message from root`)
    await terminal.sees(/Broadcast message/)
    terminal.type("\u000c\u000c")
    await terminal.sees(/^ peppermill {2}logins/)
    expect(await terminal.text()).not.toContain("Broadcast")
    terminal.type("2")
    await terminal.sees(/5 groups/)
  })

  test("a bare start offers the demo and the doctor", async () => {
    const bare = { missing: { message: "No queue is named." } }
    const { terminal, ended } = start({
      change: (ports) => ({
        ...ports,
        drain: bare,
        quarantine: bare,
        recovery: bare,
        audit: bare,
        keys: bare,
      }),
    })
    await terminal.sees(/Nothing is set up yet/)
    terminal.type("5")
    await terminal.sees(/A run would not work yet/)
    terminal.type("1")
    await terminal.sees(/watch the whole job/)
    terminal.type("d")
    await expect(ended).resolves.toMatchObject({ wants: "demo" })
  })
})

describe("what does not belong on the screen", SLOW, () => {
  test("warnings and console lines of libraries go to the log", async () => {
    const { terminal } = start()
    await terminal.sees(/peppermill/)
    process.emitWarning("the queue's URL is not the endpoint", "QueueUrlWarning")
    withConsoleClass().error(`an SDK${ESC}[2J says something`)
    terminal.type("l")
    await terminal.sees(/an SDK\\x1b\[2J says something/)
    await terminal.sees(/QueueUrlWarning: the queue's URL/)
    terminal.type(ESC)
    await terminal.sees(/Messages ─/)
    expect(terminal.raw()).not.toContain(`${ESC}[2J`)
    expect(await terminal.text()).not.toContain("an SDK")
  })

  test("none of the hostile bytes reaches the terminal from any screen", async () => {
    const payload = Object.values(HOSTILE).join("")
    const { terminal, run } = start({ size: [120, 36], taint: (text) => `${payload}${text}` })
    await terminal.sees(/peppermill/)
    const messageId = `${payload}6f1c`
    run.emit({ type: "rejected", messageId, rejection: { reason: "missing", field: payload as "ip" } })
    await terminal.sees(/refused/)
    for (const [key, pattern] of [
      ["2", /Quarantine ─/],
      ["4", /Audit ─/],
      ["5", /8 checks/],
      ["6", /Keys ─/],
      ["3", /You are/],
    ] as const) {
      terminal.type(key)
      await terminal.sees(pattern)
    }
    for (const [name, one] of Object.entries(HOSTILE)) expect(terminal.raw(), name).not.toContain(one)
  })

  test("--no-color writes no colour and no style at all", async () => {
    const { terminal } = start({ drawing: { hasColour: false } })
    await terminal.sees(/\[1 Drain\]/)
    terminal.type("5")
    await terminal.sees(/FAIL/)
    expect(
      terminal
        .raw()
        .split(ESC)
        .filter((sequence) => /^\[[\d;]*m/.test(sequence)),
    ).toEqual([])
  })
})

describe("a terminal that changes", SLOW, () => {
  test("follows every size in a storm, and is whole at the end", async () => {
    const { terminal, run } = start({ size: [120, 36] })
    await terminal.sees(/peppermill/)
    let seed = 7
    const random = (most: number) => {
      seed = (seed * 48271) % 2147483647
      return 1 + (seed % most)
    }
    for (let at = 0; at < 60; at++) {
      terminal.resize(random(250), random(60))
      if (at % 10 === 0) await terminal.text()
      run.emit({ type: "received", count: 10, durationMs: 4, oldestSentAtMs: null })
    }
    terminal.resize(1, 1)
    await terminal.text()
    terminal.resize(80, 24)
    await terminal.sees(/received +600/)
    await terminal.sees(/^ peppermill/)
    const lines = await terminal.lines()
    expect(lines[0]).toMatch(/^ peppermill {2}logins/)
    expect(lines[2]).toMatch(/^ ─{78}$/)
    expect(lines.filter((line) => line.includes("peppermill"))).toHaveLength(1)
    expect(lines[22]).toMatch(/p pause/)
  })

  test("says when it is too small, and comes back", async () => {
    const { terminal } = start()
    await terminal.sees(/Messages ─/)
    terminal.resize(40, 10)
    await terminal.sees(/needs 60x16; this is 40x10/)
    terminal.resize(60, 16)
    await terminal.sees(/Messages ─/)
  })
})

describe("a crash", SLOW, () => {
  test("of a view restores the terminal and is thrown", async () => {
    const { terminal, ended } = start({
      change: (ports) => ({
        ...ports,
        keys: { port: { keys: async () => ({ maskKeys: null, recipients: [], dataKeys: [] }) as never } },
      }),
    })
    await terminal.sees(/peppermill/)
    terminal.type("6")
    await expect(ended).rejects.toThrow(TypeError)
    expect(terminal.isAlternate).toBe(false)
    expect(terminal.isRaw).toBe(false)
  })

  test("anywhere else restores the terminal and is thrown", async () => {
    const { terminal, ended } = start()
    await terminal.sees(/peppermill/)
    const listeners = process.listeners("uncaughtException")
    const ours = listeners.at(-1) as (error: Error) => void
    ours(new RangeError("from nowhere"))
    await expect(ended).rejects.toThrow(RangeError)
    expect(terminal.isAlternate).toBe(false)
    expect(terminal.isRaw).toBe(false)
    expect(process.listeners("uncaughtException")).not.toContain(ours)
  })
})
