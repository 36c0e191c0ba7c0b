import patchConsole from "patch-console"

export interface LogLine {
  readonly atMs: number
  readonly text: string
}

/** Lines kept. */
const KEPT = 200

/** What libraries want to say while the screen is ours. */
export interface Log {
  add(text: string): void
  /** Newest message first, its lines in their order. */
  list(): readonly LogLine[]
}

export function createLog(now: () => number, onAdd: () => void = () => {}): Log {
  let lines: readonly LogLine[] = []
  return {
    add(text) {
      const added = text
        .split("\n")
        .filter((line) => line.trim() !== "")
        .map((line) => ({ atMs: now(), text: line }))
      lines = [...added, ...lines].slice(0, KEPT)
      onAdd()
    },
    list: () => lines,
  }
}

/**
 * Send process warnings and everything written through the console to the log:
 * the AWS SDK and pg warn there, and a line on the screen that we did not draw
 * ruins it.
 *
 * @returns A function that puts everything back.
 */
export function captureOutput(log: Log): () => void {
  const restoreConsole = patchConsole((_, text) => log.add(text))
  // Node prints warnings from a listener of its own, so that one has to step aside.
  const printers = process.listeners("warning")
  const onWarning = (warning: Error) => log.add(`${warning.name}: ${warning.message}`)
  process.removeAllListeners("warning")
  process.on("warning", onWarning)
  return () => {
    restoreConsole()
    process.off("warning", onWarning)
    for (const printer of printers) process.on("warning", printer)
  }
}
