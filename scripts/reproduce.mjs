// Builds the last commit twice, in two fresh clones, and compares: npm run reproduce

import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"

const root = join(import.meta.dirname, "..")
const place = mkdtempSync(join(tmpdir(), "peppermill-reproduce-"))

function builtIn(folder) {
  const clone = join(place, folder)
  execFileSync("git", ["clone", "--quiet", root, clone])
  symlinkSync(join(root, "node_modules"), join(clone, "node_modules"))
  execFileSync(process.execPath, ["build.mjs"], { cwd: clone, stdio: ["ignore", "ignore", "inherit"] })
  const bytes = readFileSync(join(clone, "dist/peppermill"))
  const hash = createHash("sha256").update(bytes).digest("hex")
  process.stdout.write(`${hash}  ${folder}\n`)
  return hash
}

try {
  if (builtIn("first") !== builtIn("second/and/deeper")) {
    process.stdout.write("the two differ\n")
    process.exitCode = 1
  }
} finally {
  rmSync(place, { recursive: true })
}
