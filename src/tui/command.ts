import { exitCodeFor } from "../exit-code.ts"
import type { Io } from "../io.ts"
import type { Settings } from "../open.ts"
import { summarize, summaryText } from "../summary.ts"
import { openPorts } from "./open-ports.ts"
import { runTui } from "./run.tsx"
import { drawingFor } from "./terminal.ts"

export interface TerminalCommand {
  readonly flags: { readonly color?: boolean; readonly ascii?: boolean; readonly screenReader?: boolean }
  readonly openSettings: () => Promise<Settings>
  /** null when no identity was named. */
  readonly identities: ((settings: Settings) => Promise<readonly string[]>) | null
  /** Registers what to do when the process is asked to stop; it then owns the exit status. */
  readonly onSignals: (stop: () => void) => void
}

/**
 * The terminal UI, from a terminal to the summary on its primary screen.
 *
 * @returns What the operator asked for on leaving: the demonstration, or nothing more.
 * @throws what the last run had to stop for, after its summary.
 */
export async function terminalCommand(
  io: Io,
  { flags, openSettings, identities, onSignals }: TerminalCommand,
): Promise<"demo" | null> {
  const stop = new AbortController()
  onSignals(() => stop.abort())
  const opened = await openPorts(openSettings, identities, io)
  const drawing = drawingFor(io.env, {
    color: flags.color,
    ascii: flags.ascii === true,
    screenReader: flags.screenReader === true,
  })
  try {
    const { stdin, stdout } = process
    const { run, failure, wants } = await runTui(opened.ports, { drawing, stdin, stdout, stop: stop.signal })
    if (run !== null) {
      const ended = { outcome: run.outcome ?? "stopped", heldByOthers: run.heldByOthers } as const
      io.out(
        summaryText(
          summarize(run.totals, { ...ended, durationMs: (run.endedMs ?? run.atMs) - run.startedMs }),
        ),
      )
    }
    if (failure !== undefined && failure !== null) {
      io.exitCode = exitCodeFor(failure)
      throw failure
    }
    return wants
  } finally {
    await opened.close()
  }
}
