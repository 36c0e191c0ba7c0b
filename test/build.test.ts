import { spawnSync } from "node:child_process"
import { cpSync, linkSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { BINARY, peppermill } from "./binary.ts"
import { report } from "./promises/report.ts"

const ROOT = resolve(import.meta.dirname, "..")

function folder(parent: string): string {
  const made = mkdtempSync(join(parent, "test-build-"))
  onTestFinished(() => rmSync(made, { recursive: true, force: true }))
  return made
}

/** The source of `from`, in another place. */
function copyOf(from: string, name: string): string {
  const root = join(folder(tmpdir()), name)
  for (const part of ["src", "config", "scripts"]) {
    cpSync(join(from, part), join(root, part), { recursive: true })
  }
  symlinkSync(join(ROOT, "node_modules"), join(root, "node_modules"))
  return root
}

function bundled(root: string): string {
  const program = `
    import { bundle } from "./scripts/bundle.mjs"
    await bundle(process.cwd(), process.argv[1], { version: "1.2.3", commit: "c", committedAt: null })`
  const out = join(root, "out/main.mjs")
  const args = ["--input-type=module", "--eval", program, out]
  const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: "utf8" })
  expect(status, stderr).toBe(0)
  return readFileSync(out, "utf8")
}

// The whole executable, in fresh clones: npm run reproduce.
test("the bundle is the same wherever it is made", () => {
  const here = copyOf(ROOT, "here")
  const there = copyOf(here, "there/and/further")
  const bundle = bundled(here)
  expect(bundle.length).toBeGreaterThan(1e6)
  expect(bundled(there) === bundle, "both are equal").toBe(true)
}, 60_000)

test("the executable holds no path of the machine that built it", () => {
  const bytes = readFileSync(BINARY)
  expect(bytes.includes("peppermill.config")).toBe(true)
  expect(bytes.includes(`${ROOT}/`)).toBe(false)
})

test("the bill of materials lists what is shipped, as the lock file has it, and no tool of ours", () => {
  const read = (path: string) => JSON.parse(readFileSync(join(ROOT, path), "utf8"))
  const locked: readonly [string, { version: string; integrity: string; dev?: boolean }][] = Object.entries(
    read("package-lock.json").packages,
  )
  const components: readonly { name: string; version: string; hashes: readonly { content: string }[] }[] =
    read("dist/sbom.cdx.json").components
  for (const { name, version, hashes } of components) {
    const integrity = `sha512-${Buffer.from(hashes[0]?.content ?? "", "hex").toString("base64")}`
    const entry = locked.find(
      ([path, each]) => path.endsWith(`node_modules/${name}`) && each.integrity === integrity,
    )
    expect(entry?.[1], name).toMatchObject({ version })
    expect(entry?.[1].dev, `${name} is only for development`).toBeUndefined()
  }
  const names = components.map(({ name }) => name)
  expect(names).toEqual(expect.arrayContaining(["commander", "pg", "ink", "@aws-sdk/client-sqs"]))
  expect(names.filter((name) => /^node-(bin-)?(linux|darwin|win)/.test(name))).toHaveLength(1)
})

/** Everything whose code is in the bundle, by esbuild's own account. */
function packagesOf(metafile: {
  outputs: Record<string, { inputs: Record<string, { bytesInOutput: number }> }>
}) {
  const inputs = Object.values(metafile.outputs).flatMap((output) => Object.entries(output.inputs))
  const folders = inputs.flatMap(([path, { bytesInOutput }]) => {
    const parts = path.split("/")
    const at = parts.lastIndexOf("node_modules")
    if (at === -1 || bytesInOutput === 0) return []
    return [parts.slice(0, at + (parts[at + 1]?.startsWith("@") ? 3 : 2)).join("/")]
  })
  return [...new Set(folders)]
}

test("the bill of materials is what is bundled, and Node: nothing more, nothing less, in the locked versions", () => {
  const out = join(folder(tmpdir()), "main.mjs")
  const program = `
    import { bundle } from "./scripts/bundle.mjs"
    const stamp = { version: "1.2.3", commit: "c", committedAt: null }
    process.stdout.write(JSON.stringify(await bundle(process.cwd(), process.argv[1], stamp)))`
  const args = ["--input-type=module", "--eval", program, out]
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: ROOT,
    encoding: "utf8",
    maxBuffer: 1e8,
  })
  expect(stderr).toBe("")
  const locked = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")).packages
  const bundledNow = packagesOf(JSON.parse(stdout)).map((path) => {
    const { name, version } = JSON.parse(readFileSync(join(ROOT, path, "package.json"), "utf8"))
    expect(locked[path]?.version, path).toBe(version)
    return `${name}@${version}`
  })
  const { components } = JSON.parse(readFileSync(join(ROOT, "dist/sbom.cdx.json"), "utf8")) as {
    components: readonly { name: string; version: string; purl: string }[]
  }
  const listed = components.map(({ name, version }) => `${name}@${version}`)
  const [node] = listed.filter((each) => /^node-(bin-)?(linux|darwin|win)/.test(each))
  expect(listed.filter((each) => each !== node).sort()).toEqual([...new Set(bundledNow)].sort())
  expect(node).toMatch(/@26\.10\.0$/)
  expect(new Set(listed).size).toBe(listed.length)
  report("P32", `${listed.length - 1} packages and Node in the bill of materials, as many in the executable`)
}, 60_000)

test("nothing of ours runs when it is installed", () => {
  const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
  const atInstall = [
    "preinstall",
    "install",
    "postinstall",
    "preprepare",
    "prepare",
    "postprepare",
    "dependencies",
  ]
  expect(Object.keys(scripts).filter((name) => atInstall.includes(name))).toEqual([])
  // Nor of what is shipped: only tools that stay behind have scripts, and those are allowed by name.
  const locked: Record<string, { dev?: boolean; hasInstallScript?: boolean }> = JSON.parse(
    readFileSync(join(ROOT, "package-lock.json"), "utf8"),
  ).packages
  const shipped = Object.entries(locked).filter(([, entry]) => entry.hasInstallScript && !entry.dev)
  expect(shipped).toEqual([])
  report("P32", "0 install scripts, ours or of a package that is shipped")
})

test("the licences of what is shipped come with it", () => {
  const licences = readFileSync(join(ROOT, "dist/licences.txt"), "utf8")
  expect(licences).toMatch(/^node-\S+ 26\.\d+\.\d+ \(MIT\)\n/)
  expect(licences).toContain("Copyright Node.js contributors")
  expect(licences).toMatch(/^commander \d+\.\d+\.\d+ \(MIT\)$/m)
})

test("another Node than the one that goes into the executable is refused, with what to do", () => {
  const elsewhere = join(folder(join(ROOT, "dist")), "node")
  linkSync(realpathSync(process.execPath), elsewhere)
  const { status, stderr } = spawnSync(elsewhere, ["build.mjs"], { cwd: ROOT, encoding: "utf8" })
  expect(status).toBe(1)
  expect(stderr).toContain(
    "not the one that goes into the executable\nbuild: hint: npm ci, then npm run build\n",
  )
})

test("--version names version, commit, Node and platform; with --json for machines", async () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"))
  const text = await peppermill(["--version"])
  expect(text.stderr).toBe("")
  expect(text.stdout).toMatch(
    new RegExp(
      `^peppermill ${version} \\(commit ([0-9a-f]{12}\\+?|unknown), node 26\\.\\d+\\.\\d+, \\w+-\\w+\\)\n$`,
    ),
  )
  const json = JSON.parse((await peppermill(["--version", "--json"])).stdout)
  expect(text.stdout).toContain(`commit ${json.commit}, node ${json.node}, ${json.platform}`)
  expect(json).toMatchObject({ schema: 1, name: "peppermill", version })
})
