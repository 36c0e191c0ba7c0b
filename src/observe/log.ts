import { safe } from "../safe.ts"
import { type Happening, type Level, type LogLine, lineOf } from "./log-line.ts"

export interface Log {
  tell(happening: Happening): void
}

export interface LogOptions {
  readonly level: Level | "silent"
  readonly format: "json" | "text"
  /** Takes whole lines. It must not throw. */
  readonly write: (text: string) => void
  /** Stand in every JSON line. */
  readonly about: { readonly service: string; readonly queue: string | null; readonly run: string }
  readonly now: () => number
}

const ORDER = { silent: 0, error: 1, warn: 2, info: 3, debug: 4 } as const

/** A flood of rejects must not become a flood of lines: the quarantine lists them all. */
const REJECTS_A_MINUTE = 100
const MINUTE_MS = 60_000

/** Longer than any sentence of ours. */
const MAX_WIDTH = 1000

/**
 * A log of one line a happening: a sentence for people, or one JSON object
 * (pino's) for machines. Nothing in it can begin a line of its own.
 */
export async function createLog({ level, format, write, about, now }: LogOptions): Promise<Log> {
  const writeLine = format === "text" ? textWriter(write) : await jsonWriter(write, about)
  const tell = (happening: Happening) => {
    const line = lineOf(happening)
    if (ORDER[line.level] <= ORDER[level]) writeLine(line, happening.type)
  }
  let rejects = { minute: 0, count: 0 }

  return {
    tell(happening) {
      const minute = Math.floor(now() / MINUTE_MS)
      const unlogged = rejects.count - REJECTS_A_MINUTE
      const isOver = minute !== rejects.minute || happening.type === "finished"
      if (unlogged > 0 && isOver) tell({ type: "unlogged", rejected: unlogged })
      if (isOver) rejects = { minute, count: 0 }
      if (happening.type === "rejected" && ++rejects.count > REJECTS_A_MINUTE) return
      tell(happening)
    },
  }
}

/** The format that a setting means here. */
export function formatFor(
  setting: "auto" | "json" | "text",
  { stderrIsTerminal }: { readonly stderrIsTerminal: boolean },
): "json" | "text" {
  if (setting !== "auto") return setting
  return stderrIsTerminal ? "text" : "json"
}

type WriteLine = (line: LogLine, event: string) => void

function textWriter(write: (text: string) => void): WriteLine {
  return ({ level, message, forMachines }) => {
    if (!forMachines) write(`peppermill: ${level === "warn" ? "warning: " : ""}${safe(message, MAX_WIDTH)}\n`)
  }
}

async function jsonWriter(write: (text: string) => void, about: LogOptions["about"]): Promise<WriteLine> {
  // Loaded here: most commands log nothing.
  const { pino } = await import("pino")
  const logger = pino(
    {
      level: "debug",
      base: { ...about },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
    },
    { write },
  )
  return ({ level, message, fields }, event) => {
    const safeFields = Object.entries(fields).map(([name, value]) => [
      name,
      typeof value === "string" ? safe(value, MAX_WIDTH) : value,
    ])
    logger[level]({ event, ...Object.fromEntries(safeFields) }, safe(message, MAX_WIDTH))
  }
}
