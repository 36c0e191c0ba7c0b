import { execFileSync } from "node:child_process"
import { realpathSync } from "node:fs"

/**
 * The commit of the source at `root`: twelve digits, with `+` when tracked files differ from it, and its
 * date. `unknown` outside a git work tree of our own, as in an unpacked archive.
 */
export function commitOf(root) {
  const git = (...args) =>
    execFileSync("git", ["-C", root, ...args], {
      encoding: "utf8",
      stdio: ["ignore", "pipe", "ignore"],
    }).trim()
  try {
    // An archive unpacked inside another project must not take that project's commit for its own.
    if (realpathSync(git("rev-parse", "--show-toplevel")) !== realpathSync(root)) throw new Error("not ours")
    const changed = git("status", "--porcelain", "--untracked-files=no") !== ""
    const [commit, committedAt] = git("log", "-1", "--abbrev=12", "--format=%h %cI").split(" ")
    return { commit: changed ? `${commit}+` : commit, committedAt }
  } catch {
    return { commit: "unknown", committedAt: null }
  }
}
