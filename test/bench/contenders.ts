import { type ChildProcess, type StdioOptions, spawn } from "node:child_process"
import { once } from "node:events"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import { BINARY } from "../binary.ts"
import { openTerminal } from "../tui/real-terminal.ts"
import type { Repeats } from "./logins.ts"

/** A process that drains the queue of `env`. */
export interface Running {
  readonly pid: number
  /** Rejects when it ends before it is told to. */
  readonly failed: Promise<never>
  stop(): Promise<void>
}

export interface Contender {
  readonly name: string
  readonly what: string
  readonly repeats: Repeats
  /** What share of the messages it gets: a slow one need not run for minutes. */
  readonly share: number
  start(env: Readonly<Record<string, string>>): Promise<Running>
}

const recipient = await identityToRecipient(await generateX25519Identity())
const VAULT = { PEPPERMILL_VAULT_RECIPIENTS: recipient }

/** @param against - Another build, to run beside this one: its executable, or its bundle. */
export function contenders(against: string | undefined): readonly Contender[] {
  return [...batches(BINARY), ...(against === undefined ? [] : batches(against, "-against")), ...OTHERS]
}

function batches(program: string, suffix = ""): readonly Contender[] {
  return [
    batch(program, `off${suffix}`, "vault off", 0, {}),
    batch(program, `vault${suffix}`, "vault on, every value new", 0, VAULT),
    batch(program, `repeats${suffix}`, "vault on, 90 % repeats", 0.9, VAULT),
  ]
}

const OTHERS: readonly Contender[] = [
  {
    name: "tui",
    what: "peppermill in a terminal, vault off",
    repeats: 0,
    share: 1,
    async start(env) {
      const terminal = await openTerminal([], { env })
      return {
        pid: terminal.pid,
        failed: unlessAsked(terminal.ended),
        async stop() {
          terminal.type("q")
          await terminal.ended
        },
      }
    },
  },
  rival("naive", "naive loop: row by row, delete one by one", 0.05, "naive.ts"),
  rival("consumer", "sqs-consumer, one, multi-row insert, batch delete", 0.2, "consumers.ts", "1"),
  rival("consumers", "sqs-consumer, eight, multi-row insert, batch delete", 0.4, "consumers.ts", "8"),
]

function batch(
  program: string,
  name: string,
  how: string,
  repeats: Repeats,
  more: Record<string, string>,
): Contender {
  const [file, ...args] = /\.m?js$/.test(program) ? [process.execPath, program] : [program]
  const start = async (env: Readonly<Record<string, string>>) =>
    running(
      spawn(file as string, [...args, "--batch", "--follow"], {
        cwd: "/",
        env: { ...env, ...more },
        stdio: QUIET,
      }),
    )
  return {
    name,
    what: `${name.endsWith("-against") ? program : "peppermill --batch"}, ${how}`,
    repeats,
    share: 1,
    start,
  }
}

function rival(name: string, what: string, share: number, file: string, ...args: string[]): Contender {
  const script = new URL(file, import.meta.url).pathname
  const start = async (env: Readonly<Record<string, string>>) =>
    running(spawn(process.execPath, [script, ...args], { env: { ...env }, stdio: QUIET }), "SIGKILL")
  return { name, what, repeats: 0, share, start }
}

const QUIET: StdioOptions = ["ignore", "ignore", "pipe"]

function running(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Running {
  let words = ""
  child.stderr?.setEncoding("utf8").on("data", (text: string) => {
    words += text
  })
  const ended = once(child, "exit")
  return {
    pid: child.pid ?? 0,
    failed: unlessAsked(ended, () => words),
    async stop() {
      child.kill(signal)
      await ended
    },
  }
}

/** Looked at only while it runs: the end that is asked for rejects it too, when nobody listens any more. */
function unlessAsked(ended: Promise<unknown>, words = () => ""): Promise<never> {
  const failed = ended.then(() => {
    throw new Error(`it ended before the queue was empty: ${words()}`)
  })
  failed.catch(() => {})
  return failed
}
