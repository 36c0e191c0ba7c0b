import { configSchema } from "./config.ts"
import type { ConfigDocument } from "./document.ts"
import { type Problem, unknownName } from "./problem.ts"
import { isSection, keyOf, SETTINGS, type Section, valueAt } from "./settings.ts"

/** What one source says: the settings it has, and what is wrong with the rest. */
export interface Layer {
  /** By the setting's path. */
  readonly values: ReadonlyMap<string, unknown>
  readonly problems: readonly Problem[]
  /** Where the value at `path` comes from, in words for people. */
  origin(path: readonly PropertyKey[]): string
  /** What a problem at `path` is called, and whether a flag is to blame. */
  blame(path: readonly PropertyKey[], part?: "key" | "value"): Pick<Problem, "where" | "fromFlag">
}

/** The layer of a file. Its keys are known, or they are problems. */
export function fileLayer(document: ConfigDocument): Layer {
  const values = new Map<string, unknown>()
  const problems: Problem[] = []
  const blame = (path: readonly PropertyKey[], part?: "key" | "value") => ({
    where: `${document.place(path, part)} ${path.join(".")}`.trimEnd(),
  })

  const readSection = (section: Section, value: unknown, path: readonly string[]): void => {
    // A section whose lines are all commented out is null.
    if (value === null || value === undefined) return
    if (!isMap(value)) {
      problems.push({ ...blame(path), what: "must be a map of keys" })
      return
    }
    for (const [name, inner] of Object.entries(value)) {
      const schema = keyOf(section, name)
      const here = [...path, name]
      if (schema === undefined) {
        // Editors look for the schema of a JSON file here.
        if (path.length === 0 && name === "$schema") continue
        problems.push({ where: document.place(here, "key"), ...unknownKey(section, name, path) })
      } else if (isSection(schema)) readSection(schema, inner, here)
      else values.set(here.join("."), inner)
    }
  }
  readSection(configSchema, document.tree, [])
  return {
    values,
    problems,
    origin: (path) => (document.has(path) ? document.place(path) : "default"),
    blame,
  }
}

/** The layer of the embedded defaults, which are right. */
export function defaultLayer(tree: unknown): Layer {
  const values = new Map(SETTINGS.map(({ path }) => [path, valueAt(tree, path.split("."))]))
  return { values, problems: [], origin: () => "default", blame: (path) => ({ where: path.join(".") }) }
}

function unknownKey(section: Section, name: string, path: readonly string[]) {
  const kind = path.length === 0 ? "key" : `key in ${path.join(".")}:`
  // The right key in the wrong section is known by its own name.
  const elsewhere = SETTINGS.find((setting) => setting.path.endsWith(`.${name}`))
  return unknownName(kind, name, Object.keys(section.shape), elsewhere?.path)
}

function isMap(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype
}
