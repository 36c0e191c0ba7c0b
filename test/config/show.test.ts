import { describe, expect, test } from "vitest"
import { runConfigCheck, runConfigPrint, runConfigSchema } from "../../src/cli/config.ts"
import type { Io } from "../../src/io.ts"
import { directoryOf, load, refusal } from "./scenario.ts"

/** What a command wrote, run in a directory with these variables. */
function ioIn(cwd: string, env: Record<string, string> = {}) {
  const written = { out: "", err: "" }
  const io: Io = {
    cwd,
    env: { XDG_CONFIG_HOME: cwd, ...env },
    out(text) {
      written.out += text
    },
    err(text) {
      written.err += text
    },
    stdinIsTerminal: false,
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    readStdin: async () => "",
    exitCode: 0,
  }
  return { io, written }
}

const FILE = {
  "peppermill.config.yaml":
    "queue: { pollers: 3 }\nevent:\n  subject: a.b\n  fields:\n    a.b: { type: text, column: ab }\n",
}
const ENV = { PEPPERMILL_DATABASE_URL: "postgres://u:HUNTER2@db.example.com/d" }

describe("config print", () => {
  test("shows every key with the origin of its value, and no secret", async () => {
    const { io, written } = ioIn(directoryOf(FILE), ENV)
    await runConfigPrint(io, {})
    const lines = written.out.split("\n").map((line) => line.replace(/ +# /, " # "))
    expect(lines).toContain("  pollers: 3 # peppermill.config.yaml:1:19")
    expect(lines).toContain("  waitSeconds: 10 # default")
    expect(lines).toContain("  url: postgres://u:***@db.example.com/d # PEPPERMILL_DATABASE_URL")
    expect(lines).toContain("    k1: env:PEPPERMILL_MASK_KEY # default")
    expect(lines).toContain("      column: ab # peppermill.config.yaml:5:32")
    expect(written.out + written.err).not.toContain("HUNTER2")
  })

  test("prints a file that means the same, secrets apart", async () => {
    const { io, written } = ioIn(directoryOf(FILE))
    await runConfigPrint(io, {})
    const again = await load({ cwd: directoryOf({ "peppermill.config.yaml": written.out }) })
    expect(again.config).toEqual((await load({ cwd: directoryOf(FILE) })).config)
  })

  test("gives machines one object", async () => {
    const cwd = directoryOf(FILE)
    const { io, written } = ioIn(cwd, ENV)
    await runConfigPrint(io, { json: true, set: ["batch.rows=7"] })
    expect(JSON.parse(written.out)).toMatchObject({
      schema: 1,
      file: `${cwd}/peppermill.config.yaml`,
      settings: {
        "queue.pollers": { value: 3, origin: "peppermill.config.yaml:1:19" },
        "batch.rows": { value: 7, origin: "flag" },
        "database.url": { value: "postgres://u:***@db.example.com/d", origin: "PEPPERMILL_DATABASE_URL" },
        "vault.recipients": { value: [], origin: "default" },
        "event.fields.a.b.type": { value: "text" },
      },
    })
    expect(written.out).not.toContain("HUNTER2")
  })

  test("shows what could drive a terminal, and warns on the other stream", async () => {
    const env = { PEPPERMILL_DATABASE_CA_FILE: "/x\u009b2J\u202e", PEPPERMILL_NOTHING: "1" }
    const { io, written } = ioIn(directoryOf(), env)
    await runConfigPrint(io, {})
    expect(written.out).not.toMatch(/[\u0080-\u009f\u202e]/)
    expect(written.err).toMatch(/^peppermill: warning: unknown variable PEPPERMILL_NOTHING/)
  })
})

describe("config check", () => {
  test("says that a configuration is good", async () => {
    const cwd = directoryOf(FILE)
    const { io, written } = ioIn(cwd)
    await runConfigCheck(io, {})
    expect(written).toEqual({ out: `the configuration is good: ${cwd}/peppermill.config.yaml\n`, err: "" })
    const machine = ioIn(cwd)
    await runConfigCheck(machine.io, { json: true })
    expect(JSON.parse(machine.written.out)).toEqual({
      schema: 1,
      ok: true,
      file: `${cwd}/peppermill.config.yaml`,
      warnings: [],
    })
  })

  test("fails for one that is not, with its place", async () => {
    const { io, written } = ioIn(directoryOf({ "my.yaml": "queue: {pollers: 0}" }))
    const error = await refusal(runConfigCheck(io, { config: "my.yaml" }))
    expect(error).toMatchObject({
      kind: "config",
      message: expect.stringMatching(/^my\.yaml:1:18 queue\.pollers: /),
    })
    expect(written).toEqual({ out: "", err: "" })
  })
})

test("config schema prints a JSON Schema", async () => {
  const { io, written } = ioIn(directoryOf())
  await runConfigSchema(io)
  expect(JSON.parse(written.out)).toMatchObject({ type: "object", title: "peppermill configuration" })
})
