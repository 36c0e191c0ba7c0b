import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { mergeScriptCovs, type ScriptCov } from "@bcoe/v8-coverage"
import { convert } from "ast-v8-to-istanbul"
import { build } from "esbuild"
import { parseAstAsync } from "vitest/node"
import type { CoverageMap } from "./figures.ts"

export interface Program {
  /** Runs as the executable does, and leaves behind what it ran. */
  readonly path: string
  readonly bundle: string
  /** Where it leaves that. */
  readonly runs: string
}

/** Make of src one module with a source map, and a command that runs it. */
export async function buildProgram(root: string, folder: string): Promise<Program> {
  const program = {
    path: join(folder, "peppermill"),
    bundle: join(folder, "main.mjs"),
    runs: join(folder, "runs"),
  }
  mkdirSync(program.runs, { recursive: true })
  await build({
    absWorkingDir: root,
    entryPoints: ["src/main.ts"],
    outfile: program.bundle,
    bundle: true,
    packages: "external",
    format: "esm",
    platform: "node",
    target: "node26",
    sourcemap: true,
    loader: { ".yaml": "text" },
    logLevel: "warning",
  })
  const command = `NODE_V8_COVERAGE="${program.runs}" exec "${process.execPath}" "${program.bundle}" "$@"`
  writeFileSync(program.path, `#!/bin/sh\n${command}\n`, { mode: 0o755 })
  return program
}

/** What all runs of the program together ran, by the files of src. */
export async function coverageOfRuns(root: string, { bundle, runs }: Program): Promise<CoverageMap> {
  const url = pathToFileURL(bundle).href
  const scripts = readdirSync(runs).flatMap((name) => {
    const { result } = JSON.parse(readFileSync(join(runs, name), "utf8")) as { result: ScriptCov[] }
    return result.filter((script) => script.url === url)
  })
  const coverage = mergeScriptCovs(scripts)
  if (coverage === undefined) throw new Error("no run of the program left anything behind")
  const code = readFileSync(bundle, "utf8")
  const map = await convert({
    code,
    coverage,
    ast: parseAstAsync(code),
    sourceMap: JSON.parse(readFileSync(`${bundle}.map`, "utf8")),
  })
  return Object.fromEntries(
    Object.entries(map as CoverageMap).filter(([path]) => path.startsWith(join(root, "src"))),
  )
}
