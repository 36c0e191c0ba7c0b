/**
 * What the executable is allowed at start, in the words of Node's permission
 * model. Child processes, workers, addons, WASI and the inspector are not among
 * them: build.mjs never allows those.
 */
export type Permission = "fs.read" | "fs.write" | "net"

/** In the order `doctor` prints them. */
const SCOPES = {
  "fs.read": "read files",
  "fs.write": "write files",
  net: "use the network",
  child: "start programs",
  worker: "start threads",
  addon: "load native code",
  wasi: "use WASI",
  inspector: "be debugged",
} as const

/**
 * Give up every permission that is not in `keep`, for the rest of the process.
 * What is open stays open: sockets, files, standard streams.
 *
 * Does nothing outside the executable, where no permission model is on.
 */
export function dropPermissions(keep: readonly Permission[]): void {
  const { permission } = process
  if (permission === undefined) return
  for (const scope of ["fs.read", "fs.write", "net"] as const) {
    if (!keep.includes(scope) && permission.has(scope)) permission.drop(scope)
  }
}

export interface Allowed {
  readonly scope: keyof typeof SCOPES
  /** The scope in plain words, as in "may …". */
  readonly words: string
  readonly allowed: boolean
}

/** What this process may still do. null when nothing holds it back: it was run from source. */
export function describePermissions(): readonly Allowed[] | null {
  const { permission } = process
  if (permission === undefined) return null
  return Object.entries(SCOPES).map(([scope, words]) => ({
    scope: scope as keyof typeof SCOPES,
    words,
    allowed: permission.has(scope),
  }))
}
