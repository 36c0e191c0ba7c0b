// Packs what `npm run build` made for release: node scripts/pack.mjs FOLDER
//
// One archive with the executable, its manual and the licences, and beside it the bill of materials. Equal
// contents make equal archives: the times are the commit's, the order is fixed, the owner is nobody.

import { execFileSync } from "node:child_process"
import { copyFileSync, cpSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { pathToFileURL } from "node:url"
import { commitOf } from "./commit.mjs"

const root = join(import.meta.dirname, "..")
const dist = join(root, "dist")
const isWindows = process.platform === "win32"
const executable = isWindows ? "peppermill.exe" : "peppermill"

/** @returns the name of the archive. */
export function pack(folder) {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  const system = isWindows ? "windows" : process.platform
  const name = `peppermill-${version}-${system}-${process.arch}`
  const staged = join(folder, name)
  mkdirSync(staged, { recursive: true })
  cpSync(join(dist, executable), join(staged, executable))
  copyFileSync(join(root, "LICENSE"), join(staged, "LICENSE"))
  copyFileSync(join(dist, "licences.txt"), join(staged, "THIRD-PARTY-LICENCES.txt"))
  writeFileSync(join(staged, "peppermill.1"), execFileSync(join(staged, executable), ["man"]))
  copyFileSync(join(dist, "sbom.cdx.json"), join(folder, `${name}.cdx.json`))
  const archive = isWindows ? zip(folder, name) : tar(folder, name)
  rmSync(staged, { recursive: true })
  return archive
}

function tar(folder, name) {
  const archive = `${name}.tar.xz`
  const time = commitOf(root).committedAt ?? "2026-01-01T00:00:00Z"
  // The tar of macOS knows none of these; its archives differ in times alone.
  const equal = ["--sort=name", `--mtime=${time}`, "--owner=0", "--group=0", "--numeric-owner"]
  const options = process.platform === "linux" ? equal : []
  execFileSync("tar", [...options, "-cJf", archive, name], {
    cwd: folder,
    env: { ...process.env, XZ_OPT: "-6 -T1", COPYFILE_DISABLE: "1" },
  })
  return archive
}

/** The tar of Windows is bsdtar, which makes a zip where the name says so. */
function zip(folder, name) {
  execFileSync("tar", ["-a", "-cf", `${name}.zip`, name], { cwd: folder })
  return `${name}.zip`
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.stdout.write(`${pack(process.argv[2])}\n`)
}
