/**
 * The built executable in a pseudo-terminal, and what a person would see of it.
 *
 *     await using terminal = await openTerminal([], { env })
 *     await terminal.sees(/draining/)
 *     terminal.type("q")
 *     expect(await terminal.ended).toBe(0)
 *
 * The pseudo-terminal is that of `script` (util-linux), the screen is xterm's.
 */
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readlinkSync } from "node:fs"
import { stripVTControlCharacters } from "node:util"
import xterm from "@xterm/headless"
import { BINARY } from "../binary.ts"
import { countRun, expectNoCanary, type MayShow, seenByOthers } from "../tripwire.ts"

const COLUMNS = 110
const ROWS = 32

/** A stalled machine is no failure; a screen that never comes is. */
const PATIENCE_MS = 60_000

/** Why there is no pseudo-terminal here, or null. */
export const NO_TERMINAL = spawnSync("script", ["--version"]).stdout?.includes("util-linux")
  ? null
  : "the pseudo-terminal is that of util-linux's `script`, which is not here"

export interface TerminalOptions {
  /** The whole environment, but for PATH, HOME and TERM. */
  readonly env: Readonly<Record<string, string>>
  readonly columns?: number
  readonly rows?: number
  readonly mayShow?: MayShow
}

/** Leaving the scope fails where the terminal was shown a canary other than those that `mayShow` names. */
export async function openTerminal(args: readonly string[], options: TerminalOptions) {
  const { columns = COLUMNS, rows = ROWS } = options
  const screen = new xterm.Terminal({ cols: columns, rows, allowProposedApi: true })
  countRun(options.env)
  const words = [BINARY, ...args].map((word) => `"${word}"`).join(" ")
  // The first line stands on the primary screen, and has to stand there again in the end.
  const command = `stty cols ${columns} rows ${rows}
    before=$(stty -g)
    sh -c 'echo "process $$"; exec ${words}'
    status=$?
    test "$(stty -g)" = "$before" && echo "settings as before"
    exit $status`
  const child = spawn("script", ["--quiet", "--return", "--flush", "--command", command, "/dev/null"], {
    cwd: "/",
    env: {
      PATH: process.env["PATH"],
      HOME: "/nonexistent",
      SHELL: "/bin/sh",
      TERM: "xterm-256color",
      ...options.env,
    },
  })
  let raw = ""
  let argv = words
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    raw += text
    screen.write(text)
  })
  child.stdin.on("error", () => {})
  // What a terminal answers when it is asked what it can do.
  screen.onData((answer) => child.stdin.write(answer))
  const ended = new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
    child.on("error", reject)
    child.on("close", (code, signal) => resolve(code ?? signal))
  })

  async function lines(): Promise<readonly string[]> {
    await new Promise<void>((resolve) => screen.write("", resolve))
    const buffer = screen.buffer.active
    const line = (at: number) => buffer.getLine(buffer.baseY + at)?.translateToString(true) ?? ""
    return Array.from({ length: rows }, (_, at) => line(at))
  }

  async function sees(pattern: RegExp): Promise<RegExpMatchArray> {
    const untilMs = Date.now() + PATIENCE_MS
    for (;;) {
      const text = (await lines()).join("\n")
      const match = text.match(pattern)
      if (match !== null) return match
      if (Date.now() > untilMs) throw new Error(`${pattern} did not come:\n${text}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  const [, processId] = await sees(/process (\d+)/).catch((error: unknown) => {
    child.kill()
    throw error
  })
  return {
    /** The program's. */
    pid: Number(processId),
    /** What is on the screen now. */
    lines,
    text: async () => (await lines()).join("\n"),
    /** Resolves with the match once the screen shows it; fails with the screen if it never does. */
    sees,
    type(keys: string) {
      argv += seenByOthers(Number(processId))
      child.stdin.write(keys)
    },
    signal(signal: NodeJS.Signals) {
      process.kill(Number(processId), signal)
    },
    /** Another size, as when a window is dragged. */
    resize(columns: number, rows: number) {
      const tty = readlinkSync(`/proc/${processId}/fd/0`)
      spawnSync("stty", ["-F", tty, "cols", `${columns}`, "rows", `${rows}`])
      screen.resize(columns, rows)
    },
    /** The terminal is gone, as when a window is closed. Resolves once the program is gone too. */
    async close() {
      child.kill("SIGKILL")
      await ended
      for (const untilMs = Date.now() + PATIENCE_MS; existsSync(`/proc/${processId}`); ) {
        if (Date.now() > untilMs) throw new Error("the program outlives its terminal")
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    },
    /** The exit status. */
    ended,
    /** Every byte that was written to the terminal. */
    raw: () => raw,
    isAlternate: () => screen.buffer.active.type === "alternate",
    isCursorShown: () => raw.lastIndexOf("\u001b[?25h") >= raw.lastIndexOf("\u001b[?25l"),
    async [Symbol.asyncDispose]() {
      child.kill()
      await ended
      screen.dispose()
      // With what a terminal obeys, such as its title, and without: colours may stand within a value.
      expectNoCanary(args, { pty: raw + stripVTControlCharacters(raw), argv }, options.mayShow)
    },
  }
}

export type RealTerminal = Awaited<ReturnType<typeof openTerminal>>
