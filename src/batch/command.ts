import { drain } from "../drain.ts"
import { createDrainControl } from "../drain-control.ts"
import { exitCodeFor } from "../exit-code.ts"
import type { Io } from "../io.ts"
import { type Observation, openObservation } from "../observation.ts"
import { openDecoding, openDrain, openSource, type Settings } from "../open.ts"
import { safe } from "../safe.ts"
import { summaryText } from "../summary.ts"
import { runBatch } from "./batch.ts"
import { dryRun } from "./dry-run.ts"
import { type MaxRejects, parseMaxRejects } from "./max-rejects.ts"

export interface BatchOptions {
  readonly json?: boolean
  readonly follow?: boolean
  readonly maxMessages?: number
  readonly maxSeconds?: number
  /** `N` or `N%`. */
  readonly maxRejects: string
}

/** Messages a dry run looks at when it is not told how many: each look counts as a receive. */
const DRY_RUN_MESSAGES = 100

const DAY_MS = 86_400_000

/**
 * `peppermill --batch`: drain, with one summary on standard output at the end and a log meanwhile on standard error.
 *
 * @param onSignals - Registers what to do when the process is asked to stop; it then owns the exit status.
 * @throws UserError that made the run impossible or ended it; the summary is printed first if there is one.
 */
export async function batchCommand(
  io: Io,
  settings: Settings,
  options: BatchOptions,
  onSignals: (stop: () => void) => void,
): Promise<void> {
  const maxRejects = parseMaxRejects(options.maxRejects)
  const watch = await openObservation(settings, io)
  try {
    await drainBatch(io, settings, { ...options, maxRejects }, { watch, onSignals })
  } catch (error) {
    watch.failed(error, exitCodeFor(error))
    throw error
  } finally {
    await watch.close()
  }
}

async function drainBatch(
  io: Io,
  settings: Settings,
  options: Omit<BatchOptions, "maxRejects"> & { readonly maxRejects: MaxRejects },
  { watch, onSignals }: { watch: Observation; onSignals: (stop: () => void) => void },
): Promise<void> {
  const { maxRejects, follow = false, maxMessages = null, maxSeconds = null } = options
  const open = await openDrain(settings, { follow, maxMessages, maxSeconds })
  const tidy = () => open.tidy().catch(() => watch.log.tell({ type: "not-tidied" }))
  try {
    const control = createDrainControl()
    onSignals(() => control.stop("signal"))
    watch.opened(open)
    const tidying = setInterval(() => void tidy(), DAY_MS)
    const { summary, totals, exitCode, failure } = await runBatch(drain(open.drain, control), {
      maxRejects,
      now: open.drain.clock.now,
      see: watch.see,
    })
    clearInterval(tidying)
    if (failure === undefined) await tidy()
    io.out(options.json ? `${JSON.stringify(summary)}\n` : summaryText(summary))
    if (failure !== undefined) throw failure
    // A signal has set the status already; what it cut short is not what the run would have said.
    if (control.stopping !== "signal") io.exitCode = exitCode
    const { outcome, durationMs } = summary
    watch.ended({ totals, outcome, durationMs, exitStatus: io.exitCode })
  } finally {
    await open.close()
  }
}

/** `peppermill --dry-run`: one line a message, and everything put back. */
export async function dryRunCommand(io: Io, settings: Settings, options: BatchOptions): Promise<void> {
  const decoding = await openDecoding(settings)
  const { source, queue } = await openSource(settings, (retry) =>
    say(io, `retrying: ${retry.call}, ${retry.code}`),
  )
  try {
    say(io, `looking into ${queue.name}; nothing is written, nothing is deleted`)
    const lines = dryRun(
      { source, ...decoding },
      {
        maxMessages: options.maxMessages ?? DRY_RUN_MESSAGES,
        waitSeconds: settings.config.queue.waitSeconds,
      },
    )
    for await (const line of lines) {
      if (options.json) io.out(`${JSON.stringify({ schema: 1, ...line })}\n`)
      else if ("row" in line) io.out(`${line.messageId}  ${safe(JSON.stringify(line.row))}\n`)
      else io.out(`${line.messageId}  rejected: ${line.rejection.reason} ${safe(line.rejection.field)}\n`)
    }
  } finally {
    source.close()
  }
}

function say(io: Io, words: string): void {
  io.err(`peppermill: ${safe(words)}\n`)
}
