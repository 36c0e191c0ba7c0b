import type { Command } from "commander"
import { UserError } from "../../src/errors.ts"
import type { Io } from "../../src/io.ts"
import { expectNoCanary, type MayShow } from "../tripwire.ts"

export interface Outcome {
  readonly out: string
  readonly err: string
  readonly exitCode: number
  /** What the command threw. */
  readonly error: unknown
}

/**
 * Run a command with these arguments, and keep what it says.
 *
 * @throws Error where it shows a canary other than those that `mayShow` names.
 */
export async function runCommand(
  create: (io: Io) => Command,
  args: readonly string[],
  {
    mayShow,
    ...settings
  }: Partial<Pick<Io, "env" | "cwd" | "stdinIsTerminal" | "stdoutIsTerminal">> & {
    readonly stdin?: string
    readonly mayShow?: MayShow
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
  // What it throws is said by the process edge.
  const words = error instanceof UserError ? `${error.message}\n${error.hint}` : String(error)
  expectNoCanary(args, { stdout: said.out, stderr: said.err + words }, mayShow)
  return { ...said, exitCode: io.exitCode, error }
}
