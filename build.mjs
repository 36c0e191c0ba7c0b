// Makes dist/peppermill, one executable, out of src and the Node that npm installed. Run it with: npm run build
//
// Two builds of one commit are equal, whatever the folder and the day: nothing that goes in holds a path of
// this machine or the time.

import { execFile, execFileSync } from "node:child_process"
import {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs"
import { devNull } from "node:os"
import { basename, dirname, join } from "node:path"
import { promisify } from "node:util"
import zlib from "node:zlib"
import { bundle } from "./scripts/bundle.mjs"
import { commitOf } from "./scripts/commit.mjs"
import { licencesOf } from "./scripts/licences.mjs"
import { bundledPackages } from "./scripts/packages.mjs"
import { sbomOf } from "./scripts/sbom.mjs"

const run = promisify(execFile)
const root = import.meta.dirname
const dist = join(root, "dist")
const node = realpathSync(process.execPath)
const executable = process.platform === "win32" ? "peppermill.exe" : "peppermill"

if (!node.startsWith(realpathSync(join(root, "node_modules")))) {
  process.stderr.write(
    `build: this is Node ${process.version} of the machine, not the one that goes into the executable\n` +
      "build: hint: npm ci, then npm run build\n",
  )
  process.exit(1)
}

// What the executable may do. Child processes, workers, addons, the inspector and WASI are never allowed;
// src/sandbox.ts gives up more once a command knows what it needs.
const EXEC_ARGV = [
  "--permission",
  "--allow-fs-read=*",
  "--allow-fs-write=*",
  "--allow-net",
  "--disable-sigusr1",
  // Or OPENSSL_CONF could name a file that loads native code, before anything else runs.
  `--openssl-config=${devNull}`,
  // For young objects. With 4 MB the collector copies more of what is in hand: an eighth more CPU for a message.
  "--max-semi-space-size=16",
  "--disable-warning=ExperimentalWarning",
  "--disable-warning=SecurityWarning",
]

mkdirSync(dist, { recursive: true })
// A folder of its own, so that neither a second build nor a running peppermill is in the way.
const work = mkdtempSync(join(dist, "build-"))
try {
  const { version } = JSON.parse(readFileSync(join(root, "package.json"), "utf8"))
  // The slowest step but the last, so it runs beside the others.
  const cluster = run(node, [join(root, "scripts/pglite-cluster.mjs"), join(work, "cluster.tar")])
  const stamp = { version, ...commitOf(root) }
  const metafile = await bundle(root, join(work, "main.mjs"), stamp)
  const packages = [nodePackage(), ...bundledPackages(metafile, root)]
  writeFileSync(join(work, "licences.txt"), licencesOf(packages, root))
  writeFileSync(join(work, "sbom.cdx.json"), sbomOf(packages, root, stamp))
  report("bundle", "main.mjs")

  copyFileSync(node, join(work, "node"))
  if (process.platform === "linux") strip(join(work, "node"))
  report("node", "node")

  await cluster
  const pglite = join(root, "node_modules/@electric-sql/pglite/dist")
  compress(join(pglite, "pglite.wasm"))
  compress(join(pglite, "pglite.data"))
  compress(join(work, "cluster.tar"))

  // Every path is relative to the folder: what is named here goes into the executable.
  const sea = {
    main: "main.mjs",
    mainFormat: "module",
    executable: "node",
    output: executable,
    useCodeCache: true,
    execArgv: EXEC_ARGV,
    execArgvExtension: "none",
    assets: Object.fromEntries(
      ["licences.txt", "pglite.wasm.zst", "pglite.data.zst", "cluster.tar.zst"].map((name) => [name, name]),
    ),
  }
  writeFileSync(join(work, "sea.json"), JSON.stringify(sea))
  // The seed of V8's hash tables decides the order of things in the code cache.
  execFileSync(node, ["--random-seed=1", "--build-sea", "sea.json"], {
    cwd: work,
    stdio: ["ignore", "ignore", "inherit"],
  })
  if (process.platform === "darwin") execFileSync("codesign", ["--sign", "-", join(work, executable)])
  report(`dist/${executable}`, executable)

  for (const name of [executable, "licences.txt", "sbom.cdx.json"])
    renameSync(join(work, name), join(dist, name))
} finally {
  rmSync(work, { recursive: true })
}

/** The npm package that Node comes from. */
function nodePackage() {
  const folder = dirname(dirname(node))
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  return { folder: `node_modules/${name}`, name, version, license }
}

/** Symbols are a fifth of Node. It has to be done before the program goes in. */
function strip(file) {
  try {
    execFileSync("strip", [file], { stdio: "ignore" })
  } catch {
    process.stdout.write("strip is missing here: the executable keeps the symbols of Node\n")
  }
}

/** To a third for PGlite's own files, to a tenth for its cluster. The place is the working folder. */
function compress(file) {
  const params = { [zlib.constants.ZSTD_c_compressionLevel]: 9 }
  writeFileSync(join(work, `${basename(file)}.zst`), zlib.zstdCompressSync(readFileSync(file), { params }))
}

function report(what, file) {
  const size = `${(statSync(join(work, file)).size / 1e6).toFixed(1)} MB`
  const elapsed = `${(performance.now() / 1000).toFixed(1)} s`
  process.stdout.write(`${what.padEnd(20)}${size.padStart(9)}${elapsed.padStart(9)}\n`)
}
