import { type ChildProcess, fork, spawn } from "node:child_process"
import { once } from "node:events"
import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { BINARY } from "../binary.ts"
import type { Inside } from "./probe.ts"

/** A drain that never ends by itself, seen from outside. */
export interface Drainer {
  readonly name: string
  /** Resident memory and open files now, as the system counts them. */
  look(): { readonly anonymousMb: number; readonly files: number; readonly cpuSeconds: number }
  /** What the probe last told; null for the executable, into which nobody can look. */
  inside(): Inside | null
  /** Ask it to stop. @returns Its summary. */
  stop(): Promise<Summary>
}

export interface Summary {
  readonly received: number
  readonly stored: number
  readonly duplicates: number
  readonly quarantined: number
  readonly left: number
}

const ARGS = ["--batch", "--follow", "--json"]
const TICKS_PER_SECOND = 100

/** The executable itself. */
export function startBinary(env: Record<string, string>): Drainer {
  return watch("executable", spawn(BINARY, ARGS, { env, stdio: ["ignore", "pipe", "inherit"] }))
}

/** The same program as one module, under the same Node and with the probe in it. */
export function startProbed(bundle: string, env: Record<string, string>): Drainer {
  const probe = join(import.meta.dirname, "probe.ts")
  const execArgv = ["--import", probe, "--disable-warning=ExperimentalWarning"]
  return watch(
    "with probe",
    fork(bundle, ARGS, { env, execArgv, stdio: ["ignore", "pipe", "inherit", "ipc"] }),
  )
}

function watch(name: string, child: ChildProcess): Drainer {
  let stdout = ""
  let inside: Inside | null = null
  let stopping = false
  child.stdout?.setEncoding("utf8").on("data", (text: string) => {
    stdout += text
  })
  child.on("message", (message) => {
    inside = message as Inside
  })
  const closed = once(child, "close")
  child.once("exit", (code, signal) => {
    if (stopping) return
    process.stderr.write(`soak: ${name} ended by itself: ${code ?? signal}\n`)
    process.exit(1)
  })
  process.once("exit", () => child.kill("SIGKILL"))
  return {
    name,
    inside: () => inside,
    look() {
      const [user, system] = (
        readFileSync(`/proc/${child.pid}/stat`, "utf8").split(") ")[1]?.split(" ") ?? []
      ).slice(11, 13)
      // Pages of the executable itself come and go as the system needs them for others.
      const anonymousKb = /RssAnon:\s+(\d+) kB/.exec(readFileSync(`/proc/${child.pid}/status`, "utf8"))?.[1]
      return {
        anonymousMb: Number(anonymousKb) / 1024,
        files: readdirSync(`/proc/${child.pid}/fd`).length,
        cpuSeconds: (Number(user) + Number(system)) / TICKS_PER_SECOND,
      }
    },
    async stop() {
      stopping = true
      child.kill("SIGTERM")
      await closed
      return JSON.parse(stdout) as Summary
    },
  }
}
