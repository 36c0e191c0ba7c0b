/**
 * The built executable, run as its user would: `npm test` builds it first.
 *
 *     const { status, stdout, stderr } = await peppermill(["--batch", "--json"], { env })
 */
import { type ChildProcess, spawn } from "node:child_process"
import { join } from "node:path"
import { CANARIES } from "./canaries.ts"
import { countRun, expectNoCanary, type MayShow, seenByOthers } from "./tripwire.ts"

/** Another program stands in its place where coverage is measured. */
export const BINARY = process.env["PEPPERMILL_TEST_BINARY"] ?? join(import.meta.dirname, "../dist/peppermill")

export interface Ended {
  /** The exit status, or the signal that ended it. */
  readonly status: number | NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunOptions {
  /** The whole environment, but for PATH and HOME. */
  readonly env?: Readonly<Record<string, string>>
  readonly cwd?: string
  readonly stdin?: string
  /** What to run instead of the built executable. */
  readonly program?: readonly [string, ...string[]]
  /** Milliseconds after which the run is killed. */
  readonly limitMs?: number
  /** Called with the process once it runs. If it fails, so does the run. */
  readonly onStart?: (child: ChildProcess) => unknown
  readonly mayShow?: MayShow
}

/**
 * Run it, and what `onStart` began, to the end. A run of over a minute (or `limitMs`) is killed, and shows as SIGKILL.
 *
 * @throws Error where it shows a canary other than those that `mayShow` names.
 */
export function peppermill(args: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const [program, ...first] = options.program ?? [BINARY]
  countRun({ ...options.env, stdin: options.stdin ?? "" })
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...first, ...args], {
      cwd: options.cwd ?? "/",
      env: { PATH: process.env["PATH"], HOME: "/nonexistent", ...options.env },
    })
    let stdout = ""
    let stderr = ""
    let argv = [...first, ...args].join("\0")
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      stdout += text
      argv += seenByOthers(child.pid)
    })
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text
      argv += seenByOthers(child.pid)
    })
    const timer = setTimeout(() => child.kill("SIGKILL"), options.limitMs ?? 60_000)
    child.on("error", reject)
    child.on("close", (code, signal) => {
      clearTimeout(timer)
      started
        .then(() => {
          expectNoCanary(args, { stdout, stderr, argv }, options.mayShow)
          resolve({ status: code ?? signal, stdout, stderr })
        })
        .catch(reject)
    })
    child.stdin.on("error", () => {})
    child.stdin.end(options.stdin ?? "")
    const started = (async () => options.onStart?.(child))()
    started.catch(() => child.kill("SIGKILL"))
  })
}

/** A program that runs the executable from a shell: `"$@"` in the script is the whole command. */
export const fromShell = (script: string) => ["bash", "-c", script, "bash", BINARY] as const

export const [MASK_KEY] = CANARIES.maskKey

/** AWS credentials that a local queue believes. */
export const AWS_KEYS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "canary-aws-secret" }

/** What a drain needs. */
export function drainEnv(
  queue: { url: string; region: string },
  databaseUrl: string,
): Record<string, string> {
  return {
    ...AWS_KEYS,
    PEPPERMILL_QUEUE_URL: queue.url,
    PEPPERMILL_QUEUE_REGION: queue.region,
    PEPPERMILL_QUEUE_WAIT_SECONDS: "1",
    PEPPERMILL_DATABASE_URL: databaseUrl,
    PEPPERMILL_MASK_KEY: MASK_KEY,
  }
}
