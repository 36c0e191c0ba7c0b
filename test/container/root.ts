/**
 * A root file system with exactly the files of the container image, and a way
 * to run it as a container runtime does, without one: the image's process is
 * process 1, nobody, on a file system that cannot be written.
 */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process"
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { BASE_LIBRARIES, layOut, librariesOf } from "../../scripts/image.mjs"
import { BINARY } from "../binary.ts"
import { countRun, expectNoCanary, type MayShow } from "../tripwire.ts"

const isRoot = process.getuid?.() === 0

const ENTER = `set -e
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
mount -o remount,bind,ro "$0"
exec chroot ${isRoot ? "--userspec=65532:65532" : ""} "$0" /usr/local/bin/peppermill "$@"`

const unshare = ["--mount", "--pid", "--fork", ...(isRoot ? [] : ["--user", "--map-root-user"])]

/** Whether this machine lets us: a Linux that allows namespaces. */
export const canEnter =
  process.platform === "linux" &&
  spawnSync("unshare", [...unshare, "sh", "-c", "mount -t tmpfs none /mnt && mount -t proc proc /proc"])
    .status === 0

export interface Root extends Disposable {
  /** What the image adds to its base. */
  readonly added: readonly string[]
  /** Put a file into it, as a mounted volume would be. */
  put(path: string, text: string): void
  run(args: readonly string[], env?: Readonly<Record<string, string>>, mayShow?: MayShow): Running
}

export interface Running {
  readonly ended: Promise<{
    readonly status: number | null
    readonly stdout: string
    readonly stderr: string
  }>
  /** As `docker stop` does: to process 1. */
  stop(): void
}

export function createRoot(): Root {
  const root = mkdtempSync(join(tmpdir(), "peppermill-root-"))
  // A temporary folder is its maker's alone, and nobody has to get in.
  chmodSync(root, 0o755)
  const put = (path: string, text: string) => {
    mkdirSync(join(root, dirname(path)), { recursive: true })
    writeFileSync(join(root, path), text)
  }
  for (const folder of ["usr/lib", "usr/lib64", "proc", "dev", "tmp", "etc"]) {
    mkdirSync(join(root, folder), { recursive: true })
  }
  for (const folder of ["lib", "lib64"]) symlinkSync(`usr/${folder}`, join(root, folder))
  put(
    "/etc/passwd",
    "root:x:0:0:root:/root:/sbin/nologin\nnonroot:x:65532:65532:nonroot:/home/nonroot:/sbin/nologin\n",
  )
  put("/etc/nsswitch.conf", "hosts: files dns\n")
  // What a runtime mounts.
  put("/etc/hosts", "127.0.0.1 localhost\n")
  const inBase = Object.values(BASE_LIBRARIES).flat()
  for (const { name, path } of librariesOf(BINARY)) {
    if (!inBase.includes(name)) continue
    mkdirSync(join(root, dirname(path)), { recursive: true })
    copyFileSync(path, join(root, path))
  }
  const added = layOut(root)
  return {
    added,
    put,
    run: (args, env = {}, mayShow = {}) => start(root, args, env, mayShow),
    [Symbol.dispose]: () => rmSync(root, { recursive: true, force: true }),
  }
}

function start(
  root: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  mayShow: MayShow,
): Running {
  countRun(env)
  const child = spawn("unshare", [...unshare, "--kill-child", "sh", "-c", ENTER, root, ...args], {
    env: { ...env, PATH: "/usr/sbin:/usr/bin:/sbin:/bin" },
    stdio: ["ignore", "pipe", "pipe"],
  })
  const said = { stdout: "", stderr: "" }
  for (const stream of ["stdout", "stderr"] as const) {
    child[stream].setEncoding("utf8").on("data", (text: string) => {
      said[stream] += text
    })
  }
  const timer = setTimeout(() => child.kill("SIGKILL"), 60_000)
  return {
    ended: new Promise((resolve, reject) => {
      child.on("error", reject)
      child.on("close", (status) => {
        clearTimeout(timer)
        try {
          expectNoCanary(args, { ...said, argv: args.join("\0") }, mayShow)
          resolve({ status, ...said })
        } catch (leak) {
          reject(leak)
        }
      })
    }),
    stop: () => process.kill(insideOf(child), "SIGTERM"),
  }
}

/** The process that the namespace began with. */
function insideOf({ pid }: ChildProcess): number {
  return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0])
}

/** The newest version of a library that the executable and what comes with it ask for. */
export function newestAskedFor(library: "GLIBC" | "GLIBCXX" | "CXXABI"): string {
  const files = [
    BINARY,
    ...librariesOf(BINARY).flatMap(({ name, path }) => (name === "libatomic.so.1" ? [path] : [])),
  ]
  const versions = files.flatMap((file) => {
    const table = execFileSync("readelf", ["--version-info", "--wide", file], { encoding: "utf8" })
    return [...table.matchAll(new RegExp(`Name: ${library}_([0-9.]+)`, "g"))].map(
      ([, version]) => version as string,
    )
  })
  return versions.toSorted((a, b) => a.localeCompare(b, "en", { numeric: true })).at(-1) ?? ""
}

export const hasReadelf = ["/usr/bin/readelf", "/usr/local/bin/readelf"].some((path) => existsSync(path))
