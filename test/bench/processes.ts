import { execFileSync } from "node:child_process"
import { readdirSync, readFileSync } from "node:fs"

/** What Linux tells of processes, in /proc (proc(5)). */

const TICKS_PER_SECOND = Number(execFileSync("getconf", ["CLK_TCK"], { encoding: "utf8" }))

interface Stat {
  readonly parent: number
  /** User and system time of all its threads, in seconds, to a hundredth. */
  readonly cpuSeconds: number
  /** Of the children it has waited for. */
  readonly endedChildrenSeconds: number
}

/** @returns null when there is no such process. */
function stat(pid: number): Stat | null {
  let text: string
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    return null
  }
  // The second field is the name, in parentheses, and may hold anything.
  const fields = text
    .slice(text.lastIndexOf(")") + 2)
    .split(" ")
    .map(Number)
  const seconds = (...indexes: number[]) =>
    indexes.reduce((sum, index) => sum + (fields[index] ?? 0), 0) / TICKS_PER_SECOND
  return {
    parent: fields[1] ?? 0,
    cpuSeconds: seconds(11, 12),
    endedChildrenSeconds: seconds(13, 14),
  }
}

export function cpuSeconds(pid: number): number {
  return stat(pid)?.cpuSeconds ?? 0
}

/** Of a process and its children, those that have ended included: PostgreSQL, given its postmaster. */
export function familyCpuSeconds(pid: number): number {
  const parent = stat(pid)
  let sum = (parent?.cpuSeconds ?? 0) + (parent?.endedChildrenSeconds ?? 0)
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name)) continue
    const child = stat(Number(name))
    if (child?.parent === pid) sum += child.cpuSeconds + child.endedChildrenSeconds
  }
  return sum
}

/** Resident memory in MB, now or at its highest. */
export function memoryMb(pid: number, which: "VmRSS" | "VmHWM"): number {
  const status = readFileSync(`/proc/${pid}/status`, "utf8")
  return Number(new RegExp(`^${which}:\\s+(\\d+) kB`, "m").exec(status)?.[1] ?? Number.NaN) / 1024
}
