import { UserError } from "./errors.ts"

const WORDS: Readonly<Record<string, readonly [what: string, hint: string]>> = {
  EMFILE: ["this process may not open more files", "raise its limit: ulimit -n 1024"],
  ENFILE: ["this machine has no room for more open files", "raise fs.file-max, or end what holds them"],
  ENOMEM: ["this machine has no memory left", "give it more, or lower batch.rows and batch.inFlight"],
  ENOSPC: ["the disk is full", "make room, then start again"],
  EDQUOT: ["the disk's quota is used up", "make room, then start again"],
  EROFS: ["this file system is read-only", "name a place that may be written"],
}

/**
 * What the system ran out of, as an error that an operator can act on: it may
 * meet us at any call, where nobody waits for it. Anything else comes back as it is.
 */
export function explainSystemError(error: unknown): unknown {
  if (!(error instanceof Error) || error instanceof UserError || !("code" in error)) return error
  const [what, hint] = WORDS[String(error.code)] ?? []
  if (what === undefined || hint === undefined) return error
  return new UserError("unavailable", `${what} (${String(error.code)})`, { hint, cause: error })
}
