/**
 * Fails a test in which the executable lets a canary be seen. What runs it (`binary.ts`,
 * `tui/real-terminal.ts`, `container/root.ts`) asks here at the end of each run; what it
 * tells PostgreSQL is looked at when all tests have run (`server-log.ts`).
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs"
import { CANARIES, type Canary, finderOf } from "./canaries.ts"

const find = finderOf(CANARIES)

/** Where a run can be seen: what it prints, what it draws on a terminal, what `ps` shows of it. */
export type Channel = "stdout" | "stderr" | "pty" | "argv"

/** The canaries that a run may show, and where, because to show them is what it is for. */
export type MayShow = Readonly<Partial<Record<Channel, readonly Canary[]>>>

/**
 * Call it when a run has ended.
 *
 * @param args - Those of the run. The error repeats them, but none that holds a canary.
 * @throws Error that names canaries and channels, and holds no value.
 */
export function expectNoCanary(
  args: readonly string[],
  seen: Readonly<Partial<Record<Channel, string>>>,
  mayShow: MayShow = {},
): void {
  const command = args.map((arg) => (find(arg).length > 0 ? "…" : arg)).join(" ")
  const found = Object.entries(seen).flatMap(([channel, text]) =>
    find(text)
      .filter((canary) => !mayShow[channel as Channel]?.some((allowed) => allowed === canary))
      .map((canary) => `${canary} in ${channel}`),
  )
  if (found.length > 0) throw new Error(`peppermill ${command} leaks: ${found.join(", ")}`)
}

/** What any user of the machine can read of a process; "" once it is gone, or where there is no /proc. */
export function seenByOthers(pid: number | undefined): string {
  try {
    const [line, name, status] = ["cmdline", "comm", "status"].map((file) =>
      readFileSync(`/proc/${pid}/${file}`, "latin1"),
    )
    return `${line?.replaceAll("\0", " ")}\n${name}\n${status}`
  } catch {
    return ""
  }
}

/** The variable that names the file in which runs are counted: tests run in several processes. */
export const RUNS = "PEPPERMILL_TEST_RUNS"

/** Count a run of the executable, and whether its surroundings, leaving aside messages and files, hold a canary. */
export function countRun(given: Readonly<Record<string, string>>): void {
  const file = process.env[RUNS]
  if (file !== undefined) appendFileSync(file, find(Object.values(given).join("\n")).length > 0 ? "+" : "-")
}

/** What a person is told of the runs counted in a file. */
export function countedRuns(file: string): string {
  const runs = existsSync(file) ? readFileSync(file, "utf8") : ""
  return `tripwire: ${runs.length} runs of the executable, ${runs.replaceAll("-", "").length} of them given a canary`
}
