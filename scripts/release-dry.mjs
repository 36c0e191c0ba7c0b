// All of a release that needs no network and no other machine: npm run release:dry
//
// Builds, runs what was built, packs it, writes checksums and formula, and installs from the result. The other four
// platforms, the check of Node's signatures and the attestation are the release workflow's.

import { execFileSync, spawnSync } from "node:child_process"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { writeChecksums, writeFormula } from "./checksums.mjs"
import { pack } from "./pack.mjs"

const root = join(import.meta.dirname, "..")
const release = join(root, "dist/release")
const place = mkdtempSync(join(tmpdir(), "peppermill-release-"))
const say = (words) => process.stdout.write(`${words}\n`)
const quiet = { cwd: root, stdio: ["ignore", "pipe", "inherit"], encoding: "utf8" }

function demand(holds, words) {
  if (!holds) throw new Error(words)
  say(`ok  ${words}`)
}

/** `install.sh` on the folder of the release. */
function install(to) {
  return spawnSync("sh", ["install.sh", "--from", release, "--to", to], { cwd: root, encoding: "utf8" })
}

try {
  execFileSync(process.execPath, ["build.mjs"], quiet)
  rmSync(release, { recursive: true, force: true })
  mkdirSync(release, { recursive: true })
  const archive = pack(release)
  const sums = writeChecksums(release)
  const lacking = writeFormula(release, sums)
  const formula = readFileSync(join(release, "peppermill.rb"), "utf8")
  demand(
    !/[{}]{2}/.test(formula.replaceAll("#{", "")) && lacking.length === 3,
    "the formula is filled in, for this platform",
  )

  const bom = JSON.parse(readFileSync(join(release, archive.replace(/\.tar\.xz$/, ".cdx.json")), "utf8"))
  demand(
    bom.bomFormat === "CycloneDX" && bom.components.length > 50,
    `the bill of materials has ${bom.components.length} parts`,
  )

  const bin = join(place, "bin")
  const installed = install(bin)
  demand(installed.status === 0, `install.sh installs it: ${installed.stderr.trim().split("\n")[0]}`)
  const program = join(bin, "peppermill")
  const run = (...args) =>
    execFileSync(program, args, { cwd: place, encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] })
  demand(run("--version").startsWith("peppermill "), `it runs: ${run("--version").trim()}`)
  demand(run("demo", "--json", "--events", "20").includes('"stored"'), "its demo does the whole job")
  demand(run("licences").includes("Copyright Node.js contributors"), "it has the licences of what is in it")
  const manual = spawnSync("man", ["--warnings", "-l", "-"], { input: run("man"), encoding: "utf8" })
  if (manual.error === undefined)
    demand(manual.status === 0 && manual.stderr === "", "man shows its manual without a complaint")
  else say("--  man is not installed here: its manual was not shown")

  const bytes = readFileSync(join(release, archive))
  writeFileSync(join(release, archive), Buffer.concat([bytes, Buffer.of(0)]))
  const refused = install(join(place, "never"))
  writeFileSync(join(release, archive), bytes)
  demand(
    refused.status === 1 && refused.stderr.includes("not what SHA256SUMS says"),
    "install.sh refuses an archive with one byte more",
  )
  say(`\n${readFileSync(join(release, "SHA256SUMS"), "utf8")}in ${release}`)
} finally {
  rmSync(place, { recursive: true })
}
