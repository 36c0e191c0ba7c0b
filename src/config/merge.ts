import type { z } from "zod"
import { type Config, configSchema } from "./config.ts"
import { FIELD_KEYS } from "./event-section.ts"
import type { Layer } from "./layer.ts"
import { type Problem, problemsError, unknownName } from "./problem.ts"
import { SETTINGS, valueAt } from "./settings.ts"

/**
 * Lay the layers over each other, later ones on top, and check the whole.
 * Every setting comes from one layer; none is put together from two.
 *
 * @param layers - The first one has every setting.
 * @throws UserError with a line for each problem.
 */
export function mergeLayers(layers: readonly Layer[]): Config {
  const tree = {}
  for (const { path } of SETTINGS) put(tree, path.split("."), ownerOf(layers, path).values.get(path))
  const result = configSchema.safeParse(tree, { error: inWords })
  const issues = result.success ? [] : result.error.issues.flatMap((issue) => problemsOf(issue, layers))
  const [first, ...others] = [...layers.flatMap((layer) => layer.problems), ...issues]
  if (first !== undefined) throw problemsError([first, ...others])
  return result.data as Config
}

/** The layer that a setting's value comes from. */
export function ownerOf(layers: readonly Layer[], setting: string): Layer {
  return layers.findLast((layer) => layer.values.has(setting)) as Layer
}

/** Where every single value of a configuration comes from. */
export function originsOf(config: Config, layers: readonly Layer[]): Readonly<Record<string, string>> {
  const origins = leavesOf(config).map(({ path, setting }) => {
    return [path.join("."), ownerOf(layers, setting).origin(path)]
  })
  return Object.fromEntries(origins)
}

/** A single value of a configuration, and the setting that it is part of. A list is one value; a map is taken apart. */
export interface Leaf {
  readonly path: readonly string[]
  readonly value: unknown
  readonly setting: string
}

export function leavesOf(config: Config): readonly Leaf[] {
  const below = (value: unknown, path: readonly string[], setting: string): readonly Leaf[] => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return [{ path, value, setting }]
    const inner = Object.entries(value).filter(([, part]) => part !== undefined)
    return inner.flatMap(([name, part]) => below(part, [...path, name], setting))
  }
  return SETTINGS.flatMap(({ path }) => below(valueAt(config, path.split(".")), path.split("."), path))
}

function put(tree: Record<string, unknown>, [name = "", ...rest]: readonly string[], value: unknown): void {
  if (rest.length === 0) {
    tree[name] = value
    return
  }
  tree[name] ??= {}
  put(tree[name] as Record<string, unknown>, rest, value)
}

function problemsOf(issue: z.core.$ZodIssue, layers: readonly Layer[]): readonly Problem[] {
  const path = issue.path.map(String)
  const setting = SETTINGS.find((known) => `${path.join(".")}.`.startsWith(`${known.path}.`))
  // Of a whole section, the settings below it are to blame; the schema blames none.
  if (setting === undefined) return [{ where: path.join("."), what: issue.message }]
  const layer = ownerOf(layers, setting.path)
  switch (issue.code) {
    case "unrecognized_keys":
      return issue.keys.map((key) => ({
        ...layer.blame([...path, key], "key"),
        ...unknownName("key", key, FIELD_KEYS),
      }))
    case "invalid_key":
      return [{ ...layer.blame(path, "key"), what: issue.issues[0]?.message ?? "is not a good name" }]
    case "custom":
      return [{ ...layer.blame(path), what: issue.message, hint: hintOf(issue) }]
    default:
      return [{ ...layer.blame(path), what: issue.message }]
  }
}

function hintOf({ params }: z.core.$ZodIssueCustom): string | undefined {
  const hint: unknown = params?.["hint"]
  return typeof hint === "string" ? hint : undefined
}

const TYPES: Readonly<Record<string, string>> = {
  string: "text",
  number: "a number",
  int: "a whole number",
  boolean: "true or false",
  array: "a list",
  object: "a map of keys",
  record: "a map of keys",
}

/** What the schema's checks say where they have no words of their own. Never the value: it may be a secret. */
function inWords(issue: z.core.$ZodRawIssue): string {
  switch (issue.code) {
    case "invalid_type":
      return `must be ${TYPES[issue.expected] ?? issue.expected}`
    case "invalid_value":
      return `must be one of ${issue.values.map(String).join(", ")}`
    case "unrecognized_keys":
      return "has an unknown key"
    default:
      return "is not valid"
  }
}
