import type { Command } from "commander"
import type { Io } from "../../src/io.ts"

export interface Outcome {
  readonly out: string
  readonly err: string
  readonly exitCode: number
  /** What the command threw. */
  readonly error: unknown
}

/** Run a command with these arguments, and keep what it says. */
export async function runCommand(
  create: (io: Io) => Command,
  args: readonly string[],
  settings: Partial<Pick<Io, "env" | "cwd" | "stdinIsTerminal" | "stdoutIsTerminal">> & {
    readonly stdin?: string
  },
): Promise<Outcome> {
  const said = { out: "", err: "" }
  const io: Io = {
    env: {},
    cwd: "/",
    stdinIsTerminal: false,
    stdoutIsTerminal: false,
    stderrIsTerminal: false,
    ...settings,
    out(text) {
      said.out += text
    },
    err(text) {
      said.err += text
    },
    readStdin: async () => settings.stdin ?? "",
    exitCode: 0,
  }
  const command = create(io)
  for (const one of [command, ...command.commands]) {
    one.exitOverride().enablePositionalOptions().configureOutput({ writeOut: io.out, writeErr: io.err })
  }
  const error = await command.parseAsync([...args], { from: "user" }).then(
    () => null,
    (thrown: unknown) => thrown,
  )
  return { ...said, exitCode: io.exitCode, error }
}
