// Lays out what a container image of peppermill holds beyond its base: node scripts/image.mjs FOLDER
//
// The base is distroless cc-debian12. What the executable needs and the base does not have comes from the
// machine that builds: Debian 12 as well, so that it fits.

import { execFileSync } from "node:child_process"
import { chmodSync, copyFileSync, mkdirSync, realpathSync } from "node:fs"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"

const executable = join(import.meta.dirname, "../dist/peppermill")

/** The packages of the base that have shared libraries, and the libraries of theirs that a program may link. */
export const BASE_LIBRARIES = {
  libc6: [
    "ld-linux-x86-64.so.2",
    "ld-linux-aarch64.so.1",
    "libc.so.6",
    "libm.so.6",
    "libdl.so.2",
    "libpthread.so.0",
  ],
  "libgcc-s1": ["libgcc_s.so.1"],
  "libstdc++6": ["libstdc++.so.6"],
}

/** The shared libraries that the executable loads: name and path on this machine. */
export function librariesOf(file) {
  const lines = execFileSync("ldd", [file], { encoding: "utf8" }).trim().split("\n")
  return lines.flatMap((line) => {
    const [, path = ""] = /(\/\S+) \(0x/.exec(line) ?? []
    if (line.includes("not found")) throw new Error(`this machine lacks a library: ${line.trim()}`)
    return path === "" ? [] : [{ name: path.split("/").at(-1), path }]
  })
}

/** @returns what was laid out, as paths in the image. */
export function layOut(folder) {
  const inBase = new Set(Object.values(BASE_LIBRARIES).flat())
  const libraries = librariesOf(executable).filter(({ name }) => !inBase.has(name))
  const files = [
    { from: executable, to: "/usr/local/bin/peppermill", mode: 0o755 },
    ...libraries.map(({ name, path }) => ({ from: realpathSync(path), to: `/usr/lib/${name}`, mode: 0o644 })),
  ]
  for (const { from, to, mode } of files) {
    mkdirSync(join(folder, dirname(to)), { recursive: true })
    copyFileSync(from, join(folder, to))
    chmodSync(join(folder, to), mode)
  }
  return files.map(({ to }) => to)
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.stdout.write(`${layOut(process.argv[2]).join("\n")}\n`)
}
