import { readdirSync, readFileSync } from "node:fs"
import { dirname, join, relative, resolve } from "node:path"
import { describe, expect, test } from "vitest"

const SRC = resolve(import.meta.dirname, "../src")

interface Import {
  readonly target: string
  readonly typesOnly: boolean
}

interface SourceFile {
  readonly name: string
  readonly code: string
  readonly imports: readonly Import[]
}

const files: readonly SourceFile[] = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => {
    const text = readFileSync(join(SRC, name), "utf8")
    return { name, code: withoutComments(text), imports: importsOf(text) }
  })

/** Good enough for counting names in code: text in quotes stays, which errs on the strict side. */
function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, "").replace(/^\s*\/\/.*$/gm, "")
}

/** Static, re-exporting, side-effect and dynamic imports. */
function importsOf(text: string): readonly Import[] {
  const imports: Import[] = []
  const code = withoutComments(text)
  for (const [, type, names = "", target = ""] of code.matchAll(
    /^(?:import|export)\s+(type\s)?([^"';]*?)\s*from\s+"([^"]+)"/gm,
  )) {
    const inBraces = /^\{(.*)\}$/s.exec(names)?.[1]?.split(",") ?? []
    const allTypes = inBraces.length > 0 && inBraces.every((name) => /^\s*(type\s|$)/.test(name))
    imports.push({ target, typesOnly: type !== undefined || allTypes })
  }
  for (const [, target = ""] of code.matchAll(/^import\s+"([^"]+)"/gm)) {
    imports.push({ target, typesOnly: false })
  }
  for (const [, target = ""] of code.matchAll(/\bimport\(\s*"([^"]+)"/g)) {
    imports.push({ target, typesOnly: false })
  }
  return imports
}

/** The first folder below src, or the file's name for those that lie in src itself. */
const unitOf = (file: string) => relative(SRC, file).split("/")[0] as string

/** Every import of one of our own units by another, as [file, unit it lies in, unit it imports, types only]. */
const crossings = files.flatMap(({ name, imports }) => {
  const file = join(SRC, name)
  return imports
    .filter(({ target }) => target.startsWith("."))
    .map(({ target, typesOnly }) => ({
      name,
      from: unitOf(file),
      to: unitOf(resolve(dirname(file), target)),
      typesOnly,
    }))
    .filter(({ from, to }) => from !== to && to !== "..")
})

/** Whom anybody may know: they know nobody. */
const FOUNDATIONS = ["errors.ts", "safe.ts", "length-prefixed.ts", "message-id.ts", "time"]

const SURFACES = ["batch", "cli", "tui"]

/**
 * Whom each stage may know, beside the foundations: the types of the stages before
 * it, as the data flows, and where `code` says so a function too. What has no line
 * here is not a stage: it puts stages together, and may know any but the surfaces.
 */
const STAGES: Record<string, { readonly types: readonly string[]; readonly code: readonly string[] }> = {
  source: { types: ["drain-event.ts", "drain-control.ts"], code: [] },
  decode: { types: [], code: [] },
  mask: { types: ["decode"], code: [] },
  // It makes what the sink's port takes, and derives its key ids as masks derive theirs.
  vault: { types: ["source", "decode", "mask", "sink"], code: ["mask"] },
  // Its last gate lets nothing through but tokens.
  sink: { types: ["decode", "mask", "config"], code: ["mask"] },
  config: { types: ["decode", "mask"], code: ["decode", "mask"] },
  observe: { types: ["source", "drain-event.ts", "config"], code: ["drain-event.ts"] },
  audit: { types: ["sink"], code: ["sink"] },
  recover: {
    types: ["decode", "mask", "vault", "sink", "audit"],
    code: ["decode", "mask", "vault", "sink", "audit"],
  },
  time: { types: [], code: [] },
  "errors.ts": { types: [], code: [] },
  "safe.ts": { types: [], code: [] },
  "length-prefixed.ts": { types: [], code: [] },
  "message-id.ts": { types: [], code: [] },
}

const said = (crossing: { name: string; to: string }) => `${crossing.name} -> ${crossing.to}`

describe("who knows whom", () => {
  test("the test sees the imports at all", () => {
    expect(files.length).toBeGreaterThan(50)
    expect(crossings.map(said)).toContain("drain.ts -> sink")
    expect(importsOf('import "a"\nimport type { B } from "b"\nconst c = await import("c")')).toEqual([
      { target: "b", typesOnly: true },
      { target: "a", typesOnly: false },
      { target: "c", typesOnly: false },
    ])
    expect(importsOf('import { type A, type B } from "d"\nexport { type A, b } from "e"')).toEqual([
      { target: "d", typesOnly: true },
      { target: "e", typesOnly: false },
    ])
  })

  test("a stage knows the stages before it, and only their types", () => {
    const strange = crossings.filter(({ from, to, typesOnly }) => {
      const may = STAGES[from]
      if (may === undefined || FOUNDATIONS.includes(to)) return false
      return !(may.code.includes(to) || (typesOnly && may.types.includes(to)))
    })
    expect(strange.map(said)).toEqual([])
  })

  test("nothing imports a surface but main.ts", () => {
    const strange = crossings.filter(({ from, to }) => SURFACES.includes(to) && from !== "main.ts")
    expect(strange.map(said)).toEqual([])
  })

  test("nothing imports main.ts", () => {
    expect(crossings.filter(({ to }) => to === "main.ts").map(said)).toEqual([])
  })
})

/** Where a package may appear: below a folder, or in one file. */
const PACKAGES: readonly (readonly [name: RegExp, places: readonly string[]])[] = [
  [/^@aws-sdk\/|^@smithy\//, ["source/", "config/", "observe/"]],
  [/^(pg|kysely)(\/|$)/, ["sink/", "recover/", "audit/", "vault/quarantine"]],
  [/^(ink|react)(\/|$)/, ["tui/"]],
  [/^commander(\/|$)/, ["cli/", "main.ts"]],
  [/^cosmiconfig(\/|$)/, ["config/"]],
  [/^fauxqs(\/|$)/, ["demo/"]],
]

describe("who uses what", () => {
  test.each(PACKAGES)("%s stays in its place", (pattern, places) => {
    const users = files.filter(({ imports }) => imports.some(({ target }) => pattern.test(target)))
    const strange = users.filter(({ name }) => !places.some((place) => name.startsWith(place)))
    expect(strange.map(({ name }) => name)).toEqual([])
    expect(users).not.toEqual([])
  })

  test("only recover/ can open what the vault sealed", () => {
    const opening = /\b(Decrypter|createDecipheriv)\b|\.decrypt\(/
    const able = files.filter(({ code }) => opening.test(code)).map(({ name }) => name)
    expect(able).not.toEqual([])
    expect(able.filter((name) => !name.startsWith("recover/"))).toEqual([])
  })

  test("the process ends in main.ts alone", () => {
    const ending = /\bprocess\s*\.\s*(exit|reallyExit|abort)\s*\(|\bimport\b.*\bexit\b.*"node:process"/
    const able = files.filter(({ code }) => ending.test(code)).map(({ name }) => name)
    expect(able.filter((name) => name !== "main.ts")).toEqual([])
  })

  test("nothing prints to the console", () => {
    expect(files.filter(({ code }) => /\bconsole\s*[.[]/.test(code)).map(({ name }) => name)).toEqual([])
  })

  test("nothing starts a program or a thread", () => {
    const starters = files.filter(({ imports }) =>
      imports.some(({ target }) => /^(node:)?(child_process|worker_threads|cluster)$/.test(target)),
    )
    expect(starters.map(({ name }) => name)).toEqual([])
  })
})

test("no folder has a name that says nothing", () => {
  const folders = readdirSync(SRC, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  )
  expect(
    folders.map(({ name }) => name).filter((name) => /^(utils?|helpers?|common|types?|misc)$/.test(name)),
  ).toEqual([])
})
