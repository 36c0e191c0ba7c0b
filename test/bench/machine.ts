import { execFileSync } from "node:child_process"
import { cpus, loadavg, totalmem } from "node:os"
import { BINARY } from "../binary.ts"
import type { Server } from "./server.ts"

/** What was measured, and on what: a figure without it says nothing. */
export function machine(server?: Server) {
  return {
    commit: String(JSON.parse(execFileSync(BINARY, ["--version", "--json"], { encoding: "utf8" })).commit),
    cpu: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    load: loadavg().map((value) => Math.round(value * 10) / 10),
    node: process.version,
    ...(server === undefined ? {} : { postgres: server.version, settings: server.settings }),
  }
}

export type Machine = ReturnType<typeof machine>

export function machineText({
  commit,
  cpu,
  cores,
  memoryGb,
  load,
  node,
  postgres,
  settings,
}: Machine): string {
  const database =
    postgres === undefined
      ? ""
      : `, PostgreSQL ${postgres} (${Object.entries(settings ?? {})
          .map(([name, value]) => `${name} ${value}`)
          .join(", ")})`
  return `commit ${commit}, ${cores} × ${cpu}, ${memoryGb} GB, load ${load.join(" ")}, Node ${node}${database}`
}
