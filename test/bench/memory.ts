import { fork } from "node:child_process"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { build } from "esbuild"

export interface Memory {
  readonly messages: number
  readonly peakMb: number
  /** Growth of resident memory over the second half, by least squares. */
  readonly mbPerMillion: number
  readonly samples: readonly { readonly messages: number; readonly residentMb: number }[]
}

export type MemoryReport = { readonly progress: string } | { readonly memory: Memory }

/** As build.mjs gives it to the executable. */
const FLAGS = ["--max-semi-space-size=16"]

/**
 * Measure in a process that is made as the executable is: out of one bundle, for
 * what makes JavaScript of TypeScript takes more than a hundred megabytes.
 */
export async function startMemory(messages: number, tell: (words: string) => void): Promise<Memory> {
  const folder = mkdtempSync(join(tmpdir(), "peppermill-bench-"))
  try {
    const outfile = join(folder, "memory.mjs")
    const entry = join(import.meta.dirname, "memory-process.ts")
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      format: "esm",
      platform: "node",
      logLevel: "warning",
    })
    const child = fork(outfile, { execArgv: FLAGS })
    return await new Promise((resolve, reject) => {
      child.once("exit", (code) => reject(new Error(`the drain under test ended: exit status ${code}`)))
      child.on("message", (report: MemoryReport) => {
        if ("memory" in report) resolve(report.memory)
        else tell(report.progress)
      })
      child.send(messages)
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}
