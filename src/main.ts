import { CommanderError } from "commander"
import { createProgram, type RootOptions, type Surfaces } from "./cli/program.ts"
import { usageError } from "./cli/usage-error.ts"
import { UserError } from "./errors.ts"
import { EXIT, exitCodeFor } from "./exit-code.ts"
import { processIo } from "./io.ts"
import { explainSystemError } from "./system-error.ts"
import { trustNoVariable } from "./trust.ts"

trustNoVariable(process.env)
const io = processIo()

// Loaded when needed: what measures the width of text is a third of the time that --version takes.
const openSettings = async (options: RootOptions) =>
  (await import("./cli/settings.ts")).openSettings(io, options)

const surfaces: Surfaces = {
  batch: async (options) => {
    const { batchCommand } = await import("./batch/command.ts")
    await batchCommand(io, await openSettings(options), options, onSignals)
  },
  dryRun: async (options) => {
    const { dryRunCommand } = await import("./batch/command.ts")
    await dryRunCommand(io, await openSettings(options), options)
  },
  terminal: async (options) => {
    if (!io.stdinIsTerminal || !io.stdoutIsTerminal) {
      throw new UserError("usage", "the terminal UI needs a terminal on both ends, and there is none", {
        hint: "peppermill --batch runs without one; peppermill --help shows the rest",
      })
    }
    const [{ terminalCommand }, { openIdentities }] = await Promise.all([
      import("./tui/command.ts"),
      import("./cli/identity.ts"),
    ])
    const { identity } = options
    const wants = await terminalCommand(io, {
      flags: options,
      openSettings: () => openSettings(options),
      identities: identity === undefined ? null : ({ secrets }) => openIdentities(io, secrets, identity),
      onSignals,
    })
    if (wants === "demo") await surfaces.demo({})
  },
  demo: async (options) => (await import("./demo/demo.ts")).runDemo(io, options),
}

/** What the first signal asks for. null: nothing is in hand that would have to be finished. */
let stopGently: (() => void) | null = null

/**
 * Ask `stop` on the first signal; leave at once on the second, when all that is
 * lost is time: what was not committed is still in the queue.
 */
function onSignals(stop: () => void): void {
  stopGently = stop
}

// From the start and for good: process 1 of a container is deaf to what it does not listen to, and ink's
// signal-exit kills the process if it finds no listener.
const SIGNALS = { SIGINT: EXIT.interrupted, SIGTERM: EXIT.terminated, SIGHUP: EXIT.hungUp } as const
for (const [signal, status] of Object.entries(SIGNALS)) {
  process.on(signal, () => {
    if (stopGently === null) process.exit(status)
    const stop = stopGently
    stopGently = null
    io.exitCode = status
    stop()
  })
}

// A reader that went away takes no more words; the work goes on, and its exit status is the answer.
// A disk that is full is another matter: what was to be kept is lost.
let unwritten: Error | null = null
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  if (error.code !== "EPIPE") unwritten ??= error
})
process.stderr.on("error", () => {})

try {
  await createProgram(io, surfaces).parseAsync(process.argv)
} catch (error) {
  const known = error instanceof CommanderError ? usageError(error) : explainSystemError(error)
  if (known !== null) {
    const { errorText } = await import("./cli/error-text.ts")
    io.err(errorText(known))
    io.exitCode = exitCodeFor(known)
  }
}
// A slow reader gets the rest first: leaving would cut off what still waits for its turn in a pipe.
const written = (stream: NodeJS.WriteStream) => new Promise<void>((done) => stream.write("", () => done()))
await Promise.all([written(process.stdout), written(process.stderr)])
if (unwritten !== null && io.exitCode === EXIT.ok) {
  io.exitCode = EXIT.unavailable
  io.err("peppermill: standard output could not be written, and what should stand there is lost\n")
}
process.exit(io.exitCode)
