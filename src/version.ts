/** What this executable was made from. All of it is decided by the commit and the Node it was built with. */
interface Build {
  readonly version: string
  /** The first twelve digits of the commit, with `+` when the tree had changes; or `unknown`. */
  readonly commit: string
  /** When the commit was made (ISO 8601), never when the build was: two builds of one commit are equal. */
  readonly committedAt: string | null
}

// build.mjs puts the stamp here. Run from source there is none.
declare const PEPPERMILL_BUILD: Build | undefined

export const BUILD: Build =
  typeof PEPPERMILL_BUILD === "undefined"
    ? { version: "0.0.0-source", commit: "unknown", committedAt: null }
    : PEPPERMILL_BUILD

const platform = `${process.platform}-${process.arch}`

export function versionLine(): string {
  return `peppermill ${BUILD.version} (commit ${BUILD.commit}, node ${process.versions.node}, ${platform})`
}

export function versionJson(): string {
  return JSON.stringify({
    schema: 1,
    name: "peppermill",
    ...BUILD,
    node: process.versions.node,
    platform,
  })
}
