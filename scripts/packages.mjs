import { readFileSync } from "node:fs"
import { join } from "node:path"

const PACKAGE = /^(?:.*node_modules\/)(?:@[^/]+\/)?[^/]+(?=\/)/

/**
 * The packages whose code is in a bundle, sorted by their folder.
 *
 * @param metafile esbuild's.
 * @returns For each its folder (from `root`, as in the lock file) and what its package.json says.
 */
export function bundledPackages(metafile, root) {
  const inputs = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))
  const folders = new Set(inputs.flatMap((input) => PACKAGE.exec(input) ?? []))
  return [...folders].sort().map((folder) => {
    const { name, version, license } = JSON.parse(readFileSync(join(root, folder, "package.json"), "utf8"))
    return { folder, name, version, license }
  })
}
