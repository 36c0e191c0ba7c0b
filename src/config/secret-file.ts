import type { Stats } from "node:fs"
import { constants, open } from "node:fs/promises"
import { geteuid } from "node:process"
import { UserError } from "../errors.ts"

/** No key, password or key file we read comes near this. */
const MAX_BYTES = 65_536

/**
 * Read a file that holds a secret.
 *
 * It must be a plain file that others cannot read. Its group may read it only
 * where root owns it and we are not root: so does Kubernetes mount a secret for
 * a user of its own (PostgreSQL holds private keys to the same rule). A symbolic
 * link is followed, since Kubernetes mounts those too; what it leads to is judged.
 *
 * @throws UserError of kind `config` or `permission` that names the path, never the contents.
 */
export async function readSecretFile(path: string): Promise<string> {
  // Without O_NONBLOCK, opening a named pipe waits for a writer who may never come.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  try {
    // The open file is judged, not its name: between the two looks it could be exchanged.
    const stats = await file.stat()
    const why = whyRefused(stats, geteuid?.())
    if (why !== null) throw new UserError("config", `${path}: ${why.what}`, { hint: why.hint })
    return await file.readFile("utf8")
  } finally {
    await file.close()
  }
}

/** Whether a file's mode lets somebody else than its owner read it. Windows has no such mode. */
export function othersMayRead(stats: Pick<Stats, "mode">): boolean {
  return process.platform !== "win32" && (stats.mode & 0o044) !== 0
}

function whyRefused(stats: Stats, uid: number | undefined): { what: string; hint: string } | null {
  if (!stats.isFile()) return { what: "is not a plain file", hint: "a secret is kept in a file of its own" }
  if (stats.size > MAX_BYTES) return { what: "is too large for a secret", hint: "check the path" }
  const lentToGroup = stats.uid === 0 && uid !== 0 && (stats.mode & 0o037) === 0
  if (process.platform !== "win32" && (stats.mode & 0o077) !== 0 && !lentToGroup) {
    return { what: "can be read by others", hint: "take their rights away: chmod 600" }
  }
  return null
}

function unreadable(path: string, error: unknown): UserError {
  const code = error instanceof Error && "code" in error ? error.code : undefined
  switch (code) {
    case "ENOENT":
    case "ENOTDIR":
      return new UserError("config", `${path}: there is no such file`)
    case "EACCES":
    case "EPERM":
    case "ERR_ACCESS_DENIED":
      return new UserError("permission", `${path}: may not be read`, {
        hint: "it must belong to the user that peppermill runs as",
      })
    default:
      return new UserError("config", `${path}: cannot be read (${String(code)})`)
  }
}
