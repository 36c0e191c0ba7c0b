import { spawnSync } from "node:child_process"
import type { Command } from "commander"
import { describe, expect, test } from "vitest"
import { manPage } from "../../src/cli/man-page.ts"
import { createProgram } from "../../src/cli/program.ts"
import { SETTINGS } from "../../src/config/settings.ts"
import { EXIT } from "../../src/exit-code.ts"
import type { Io } from "../../src/io.ts"
import { peppermill } from "../binary.ts"

// Nothing of either is asked for while the tree of commands is built.
const program = createProgram({} as Io, {} as Parameters<typeof createProgram>[1])
const page = manPage(program, { version: "1.2.3", committedAt: "2026-11-22T10:00:00+01:00" })
const plain = page
  .replaceAll("\\-", "-")
  .replaceAll(/\\f[BIR]/g, "")
  .replaceAll("\\(dq", '"')

function everyCommand(command: Command): readonly Command[] {
  return [command, ...command.commands.flatMap(everyCommand)]
}

function nameOf(command: Command): string {
  return command.parent === null ? command.name() : `${nameOf(command.parent)} ${command.name()}`
}

const commands = everyCommand(program).filter((command) => command.name() !== "complete")
const mandoc = spawnSync("mandoc", ["-Tlint", "/dev/null"]).error === undefined

describe("the man page", () => {
  test.each(commands.map((command) => [nameOf(command), command] as const))(
    "explains %s and each of its options",
    (name, command) => {
      const start = command === program ? 0 : plain.indexOf(`\n.SS "${name}`)
      expect(start).not.toBe(-1)
      const part = plain.slice(
        start,
        plain.indexOf(command === program ? '\n.SH "COMMANDS"' : "\n.S", start + 1),
      )
      const shown = command.options.filter(({ hidden }) => !hidden)
      for (const { long } of shown) expect(part).toMatch(new RegExp(`(^|\\s)${long}\\b`, "m"))
      expect(part).not.toContain("undefined")
    },
  )

  test("leaves out what only the shell's completion calls", () => {
    expect(plain).not.toContain("peppermill complete ")
    expect(plain).toContain("peppermill completion")
  })

  test("has every exit status and every key of the configuration", () => {
    for (const status of Object.values(EXIT)) expect(plain).toMatch(new RegExp(`^\\.TP\n${status}\n`, "m"))
    for (const { path } of SETTINGS) expect(plain).toContain(`${path.split(".").at(-1)}:`)
  })

  test("is roff: ASCII, the version in its footer, and no text that a formatter would obey", () => {
    expect(page).toMatch(/^\.TH PEPPERMILL 1 "2026-11-22" "peppermill 1\.2\.3" /)
    expect(page).toMatch(/^[\n -~]*$/)
    const requests = page.split("\n").filter((line) => /^[.']/.test(line))
    expect(new Set(requests.map((line) => line.split(" ")[0]))).toEqual(
      new Set([".TH", ".SH", ".SS", ".TP", ".PP", ".B", ".BR", ".br", ".nf", ".fi"]),
    )
  })

  test.skipIf(!mandoc)("has nothing that mandoc -Tlint warns about (skipped without mandoc)", () => {
    const { stdout, stderr } = spawnSync("mandoc", ["-Tlint", "-Wwarning"], { input: page, encoding: "utf8" })
    expect(stdout + stderr).toBe("")
  })
})

test("peppermill man prints the page of the commit that it was built from", async () => {
  const [man, version] = [await peppermill(["man"]), await peppermill(["--version", "--json"])]
  expect([man.status, man.stderr]).toEqual([0, ""])
  const { version: name, committedAt } = JSON.parse(version.stdout)
  const date = committedAt === null ? "" : committedAt.slice(0, 10)
  expect(man.stdout.split("\n")[0]).toBe(`.TH PEPPERMILL 1 "${date}" "peppermill ${name}" "User Commands"`)
  expect(man.stdout).toContain('.SS "peppermill recover release [options] <id>"')
})

test.each(["licences", "licenses"])("peppermill %s prints the licences of what is in it", async (name) => {
  const { status, stdout, stderr } = await peppermill([name])
  expect([status, stderr]).toEqual([0, ""])
  expect(stdout).toContain("Copyright Node.js contributors")
  expect(stdout).toMatch(/^commander \d+\.\d+\.\d+ \(MIT\)$/m)
})
