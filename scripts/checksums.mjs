// Writes SHA256SUMS of all that lies in a folder, and the Homebrew formula that rests on them:
// node scripts/checksums.mjs FOLDER

import { createHash } from "node:crypto"
import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"

const root = join(import.meta.dirname, "..")
const REPOSITORY = process.env.GITHUB_REPOSITORY || "peppermill/peppermill"

/** @returns file name → 64 hex digits. */
export function writeChecksums(folder) {
  const names = readdirSync(folder).filter((name) => name.startsWith("peppermill-"))
  const sums = new Map(
    names.sort().map((name) => [
      name,
      createHash("sha256")
        .update(readFileSync(join(folder, name)))
        .digest("hex"),
    ]),
  )
  const lines = [...sums].map(([name, sum]) => `${sum}  ${name}\n`)
  writeFileSync(join(folder, "SHA256SUMS"), lines.join(""))
  return sums
}

/** @returns the platforms that the release lacks: their place in the formula says so, and it cannot be used. */
export function writeFormula(folder, sums) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const lacking = []
  const template = readFileSync(join(root, "packaging/peppermill.rb.template"), "utf8")
  const formula = template.replaceAll(/\{\{([a-z0-9-]+)\}\}/g, (_, name) => {
    if (name === "version") return version
    if (name === "repository") return REPOSITORY
    const sum = sums.get(`peppermill-${version}-${name}.tar.xz`)
    if (sum === undefined) lacking.push(name)
    return sum ?? `not built: ${name}`
  })
  writeFileSync(join(folder, "peppermill.rb"), formula)
  return lacking
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  const folder = process.argv[2]
  const lacking = writeFormula(folder, writeChecksums(folder))
  process.stdout.write(readFileSync(join(folder, "SHA256SUMS"), "utf8"))
  if (lacking.length > 0) {
    process.stdout.write(`the formula lacks ${lacking.join(", ")}\n`)
    process.exitCode = process.argv.includes("--partial") ? 0 : 1
  }
}
