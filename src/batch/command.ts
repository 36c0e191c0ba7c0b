import { drain } from "../drain.ts"
import { createDrainControl } from "../drain-control.ts"
import type { Io } from "../io.ts"
import { openDecoding, openDrain, openSource, type Settings } from "../open.ts"
import { safe } from "../safe.ts"
import { summaryText } from "../summary.ts"
import { runBatch } from "./batch.ts"
import { dryRun } from "./dry-run.ts"
import { parseMaxRejects } from "./max-rejects.ts"
import { noticeOf } from "./notice.ts"

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

// What is past its time does no harm for another day.
const NOT_TIDIED = "warning: could not remove what is past its time; the next run tries again"

/**
 * `peppermill --batch`: drain, with one summary on standard output at the end and words meanwhile on standard error.
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
  const { follow = false, maxMessages = null, maxSeconds = null } = options
  const open = await openDrain(settings, { follow, maxMessages, maxSeconds })
  try {
    for (const warning of open.warnings) say(io, `warning: ${warning}`)
    say(io, `draining ${open.queue.name} into ${settings.shape.table}`)
    const control = createDrainControl()
    onSignals(() => control.stop("signal"))
    const tidying = setInterval(() => void open.tidy().catch(() => say(io, NOT_TIDIED)), DAY_MS)
    const result = await runBatch(drain(open.drain, control), {
      maxRejects,
      now: open.drain.clock.now,
      notice(event) {
        const notice = noticeOf(event)
        if (notice !== null) say(io, notice)
      },
    })
    clearInterval(tidying)
    if (result.failure === undefined) await open.tidy().catch(() => say(io, NOT_TIDIED))
    io.out(options.json ? `${JSON.stringify(result.summary)}\n` : summaryText(result.summary))
    if (result.failure !== undefined) throw result.failure
    // A signal has set the status already; what it cut short is not what the run would have said.
    if (control.stopping !== "signal") io.exitCode = result.exitCode
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
