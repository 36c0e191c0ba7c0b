import chalk from "chalk"
import { render } from "ink"
import { systemClock } from "../time/clock.ts"
import { App } from "./App.tsx"
import { runLinear } from "./linear/run-linear.ts"
import { captureOutput, createLog } from "./log.ts"
import type { Ports } from "./ports.ts"
import { type SessionEnd, startSession } from "./session.ts"
import type { Drawing } from "./terminal.ts"
import { lookFor } from "./views/look.ts"

export interface TuiOptions {
  readonly drawing: Drawing
  readonly stdin: NodeJS.ReadStream
  readonly stdout: NodeJS.WriteStream
  /** Fires when a signal asks to stop: the batch in hand is finished, then the UI ends. */
  readonly stop: AbortSignal
}

/**
 * Show the terminal UI until the operator leaves.
 *
 * Resolves once the terminal is as it was before, so that what the caller
 * prints stands on the primary screen. Throws what a bug in the UI throws,
 * also with the terminal restored.
 */
export async function runTui(
  ports: Ports,
  { drawing, stdin, stdout, stop }: TuiOptions,
): Promise<SessionEnd> {
  const clock = systemClock
  const log = createLog(clock.now)
  const session = startSession(ports, clock, log)
  stop.addEventListener("abort", session.leave, { once: true })
  const restoreOutput = captureOutput(log)
  try {
    if (drawing.isLinear) return await runLinear(session, stdin, stdout)
    return await runInk(session, drawing, stdin, stdout)
  } finally {
    restoreOutput()
    stop.removeEventListener("abort", session.leave)
  }
}

async function runInk(
  session: ReturnType<typeof startSession>,
  drawing: Drawing,
  stdin: NodeJS.ReadStream,
  stdout: NodeJS.WriteStream,
): Promise<SessionEnd> {
  // chalk reads the environment by rules of its own; ours are in drawingFor.
  chalk.level = drawing.hasColour ? 1 : 0
  // Ink turns raw mode on after its first frame; a key pressed before that would be echoed into it.
  stdin.setRawMode(true)
  const app = render(<App session={session} look={lookFor(drawing)} />, {
    stdin,
    stdout,
    alternateScreen: true,
    incrementalRendering: true,
    maxFps: 12,
    exitOnCtrlC: false,
    // Ink would print above the frame; the log takes it instead.
    patchConsole: false,
    // The caller has made sure of a terminal; ink would also look for CI variables.
    interactive: true,
  })
  const crash = Promise.withResolvers<never>()
  process.on("uncaughtException", crash.reject)
  try {
    return await Promise.race([session.ended, crash.promise, app.waitUntilExit().then(() => session.ended)])
  } finally {
    process.off("uncaughtException", crash.reject)
    app.unmount()
    await app.waitUntilExit().catch(() => {})
  }
}
