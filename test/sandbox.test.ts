import { spawnSync } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { expect, test } from "vitest"
import { report } from "./promises/report.ts"

const ROOT = resolve(import.meta.dirname, "..")

/** The options that build.mjs puts into the executable. */
function execArgv(): string[] {
  const [, list = ""] =
    /const EXEC_ARGV = \[(.*?)\n\]/s.exec(readFileSync(join(ROOT, "build.mjs"), "utf8")) ?? []
  return [...list.matchAll(/^ {2}"(--[^"]+)"/gm)].map(([, option]) => String(option))
}

/** What code that came in with a dependency would try, each with the scope that stands in its way. */
const ATTEMPTS: Readonly<Record<string, string>> = {
  "start a program": 'process.getBuiltinModule("child_process").spawnSync("/bin/true").error',
  "start a thread": 'new (process.getBuiltinModule("worker_threads").Worker)("", { eval: true })',
  "load native code": 'process.dlopen({ exports: {} }, "/nonexistent.node")',
  "open the inspector": 'process.getBuiltinModule("inspector").open(0, "127.0.0.1")',
  "use WASI": 'new (process.getBuiltinModule("wasi").WASI)({ version: "preview1" })',
  "read a file": 'process.getBuiltinModule("fs").readFileSync("/etc/passwd")',
  "read our own memory": 'process.getBuiltinModule("fs").readFileSync("/proc/self/environ")',
  "list a folder": 'process.getBuiltinModule("fs").readdirSync("FOLDER")',
  "write a file": 'process.getBuiltinModule("fs").writeFileSync("FOLDER/written", "")',
  "make a folder": 'process.getBuiltinModule("fs").mkdirSync("FOLDER/made")',
  "append to a file": 'process.getBuiltinModule("fs").appendFileSync("FOLDER/appended", "")',
  "make a link": 'process.getBuiltinModule("fs").symlinkSync("/etc/passwd", "FOLDER/link")',
  "remove a file": 'process.getBuiltinModule("fs").rmSync("FOLDER/here")',
}

test("once a drain runs, its process may do none of what a malicious dependency needs", () => {
  const folder = mkdtempSync(join(tmpdir(), "peppermill-permissions-"))
  writeFileSync(join(folder, "here"), "")
  const program = `
    import { dropPermissions } from ${JSON.stringify(join(ROOT, "src/sandbox.ts"))}
    dropPermissions(["net"])
    const attempts = ${JSON.stringify(ATTEMPTS).replaceAll("FOLDER", folder)}
    for (const [what, code] of Object.entries(attempts)) {
      let said
      try { said = (0, eval)(code) } catch (error) { said = error }
      console.log(what + ": " + (said?.code ?? "done"))
    }
    process._debugProcess?.(process.pid)`
  try {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...execArgv(), "--input-type=module", "--eval", program],
      { encoding: "utf8", cwd: ROOT },
    )
    const answers = stdout.trim().split("\n")
    expect(answers, stderr).toHaveLength(Object.keys(ATTEMPTS).length)
    for (const answer of answers) expect(answer).toMatch(/: ERR_(ACCESS_DENIED|DLOPEN_DISABLED)$/)
    expect(stderr).not.toContain("Debugger listening")
    expect(readdirSync(folder)).toEqual(["here"])
    report("P24", `${Object.keys(ATTEMPTS).length} attempts under the executable's options: all denied`)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
