import { spawn } from "node:child_process"
import { once } from "node:events"
import { rm } from "node:fs/promises"
import { dirname, join } from "node:path"
import { text } from "node:stream/consumers"
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { peppermill } from "./binary.ts"
import { CANARIES, type Canary } from "./canaries.ts"
import { expectNoCanary, RUNS } from "./tripwire.ts"
import { NO_TERMINAL, openTerminal } from "./tui/real-terminal.ts"

const names = Object.keys(CANARIES) as Canary[]

describe("a run fails that shows a canary", () => {
  const value = (name: Canary) => `${CANARIES[name][0]}7`

  // Not to be counted among those of the suite.
  beforeEach(() => void vi.stubEnv(RUNS, undefined))
  afterEach(() => void vi.unstubAllEnvs())

  test.each<[string, (text: string) => string]>([
    ["in clear", (text) => text],
    ["as JSON", (text) => JSON.stringify({ text })],
    ["in JSON's escapes", (text) => text.replace(/./g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`)],
    ["in hex", (text) => Buffer.from(text).toString("hex")],
    ["in base64", (text) => Buffer.from(text).toString("base64")],
  ])("whichever, %s", (_form, write) => {
    for (const name of names) {
      const run = () =>
        expectNoCanary(["--batch"], { stdout: "", stderr: `before ${write(value(name))} after` })
      expect(run).toThrow(`peppermill --batch leaks: ${name} in stderr`)
    }
  })

  test.each(["stdout", "stderr"] as const)("on %s", async (stream) => {
    const program = [process.execPath, "-e", `process.${stream}.write(process.env.PLANTED)`] as const
    for (const name of names) {
      const run = peppermill(["doctor"], { program, env: { PLANTED: value(name) } })
      await expect(run).rejects.toThrow(new Error(`peppermill doctor leaks: ${name} in ${stream}`))
    }
  })

  test("as an argument, which is not repeated", async () => {
    const run = peppermill(["--version", value("device")])
    await expect(run).rejects.toThrow(new Error("peppermill --version … leaks: device in argv"))
  })

  test.skipIf(process.platform !== "linux")("as the title that it gives itself", async () => {
    const script = `process.title = process.env.PLANTED; console.log("named"); setTimeout(() => {}, 500)`
    const program = [process.execPath, "-e", script] as const
    const run = peppermill([], { program, env: { PLANTED: value("maskKey") } })
    await expect(run).rejects.toThrow("maskKey in argv")
  })

  test.skipIf(NO_TERMINAL !== null)("on a terminal", async () => {
    // Of its made-up people, the demo recovers one: here it may not.
    const demo = async () => {
      await using terminal = await openTerminal(["demo", "--events", "1"], { env: {} })
      await terminal.ended
    }
    await expect(demo()).rejects.toThrow(new Error("peppermill demo --events 1 leaks: address in pty"))
  })

  test("unless it may: this one, here, and nothing else", () => {
    const [seen, mayShow] = [{ stdout: value("address") }, { stdout: ["address"] } as const]
    expect(() => expectNoCanary([], seen, mayShow)).not.toThrow()
    expect(() => expectNoCanary([], { ...seen, stderr: seen.stdout }, mayShow)).toThrow("address in stderr")
    expect(() => expectNoCanary([], { stdout: value("device") }, mayShow)).toThrow("device in stdout")
  })
})

test.skipIf(process.env["TEST_DATABASE_URL"] !== undefined)(
  "a whole run fails in which peppermill sends canaries to PostgreSQL, though each of its tests passes",
  async () => {
    const vitest = join(import.meta.dirname, "../node_modules/.bin/vitest")
    const config = join(import.meta.dirname, "planted-leak.config.ts")
    const child = spawn(vitest, ["run", "--config", config, "--no-color"], {
      cwd: join(import.meta.dirname, ".."),
      env: { PATH: process.env["PATH"] },
      stdio: ["ignore", "pipe", "pipe"],
    })
    const [stdout, stderr, [status]] = await Promise.all([
      text(child.stdout),
      text(child.stderr),
      once(child, "exit"),
    ])
    expect(stdout).toMatch(/1 passed/)
    expect(status).toBe(1)
    const [, found = "", log = ""] =
      /peppermill leaks to PostgreSQL: (.*) of (.*\.json)$/m.exec(stderr + stdout) ?? []
    onTestFinished(() => rm(dirname(log), { recursive: true, force: true }))
    const leaked = new Set(found.split(", ").map((one) => one.replace(/ in line \d+$/, "")))
    expect(leaked).toEqual(new Set(["device", "databasePassword", "maskKey", "sessionToken", "unnamedKey"]))
  },
)
