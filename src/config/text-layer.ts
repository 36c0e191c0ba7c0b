import type { Layer } from "./layer.ts"
import { type Problem, unknownName } from "./problem.ts"
import { SETTINGS, type Setting } from "./settings.ts"

type Env = Readonly<Record<string, string | undefined>>

const PREFIX = "PEPPERMILL_"

/** The layer of the `PEPPERMILL_…` variables. Those it does not know are left to {@link unknownVariables}. */
export function environmentLayer(env: Env): Layer {
  const texts = SETTINGS.flatMap((setting) => {
    const text = env[setting.variable]
    return text === undefined ? [] : [{ setting, text }]
  })
  return textLayer(texts, ({ variable }) => ({ origin: variable, where: variable }))
}

/** The layer of the flags: configuration key → text. A key that does not exist is a problem. */
export function flagLayer(overrides: Readonly<Record<string, string>>): Layer {
  const unknown: Problem[] = []
  const texts = Object.entries(overrides).flatMap(([path, text]) => {
    const setting = SETTINGS.find((known) => known.path === path)
    if (setting !== undefined) return [{ setting, text }]
    unknown.push({
      where: "a flag",
      fromFlag: true,
      ...unknownName(
        "key",
        path,
        SETTINGS.map((known) => known.path),
      ),
    })
    return []
  })
  const layer = textLayer(texts, ({ path }) => ({
    origin: "flag",
    where: `${path} (from a flag)`,
    fromFlag: true,
  }))
  return { ...layer, problems: [...unknown, ...layer.problems] }
}

/** One warning for each variable that looks like ours and is none. */
export function unknownVariables(env: Env, alsoKnown: ReadonlySet<string>): readonly string[] {
  const names = SETTINGS.map(({ variable }) => variable)
  return Object.keys(env)
    .filter((name) => name.startsWith(PREFIX) && !names.includes(name) && !alsoKnown.has(name))
    .map((name) => `${unknownName("variable", name, names).what}; it changes nothing`)
}

interface Names {
  readonly origin: string
  readonly where: string
  readonly fromFlag?: boolean
}

function textLayer(
  texts: readonly { readonly setting: Setting; readonly text: string }[],
  nameOf: (setting: Setting) => Names,
): Layer {
  const values = new Map<string, unknown>()
  const problems: Problem[] = []
  for (const { setting, text } of texts) {
    const read = readText(setting, text)
    const { origin: _, ...blame } = nameOf(setting)
    if ("problem" in read) problems.push({ ...blame, what: read.problem })
    else values.set(setting.path, read.value)
  }
  const owner = (path: readonly PropertyKey[]) =>
    nameOf(SETTINGS.find((setting) => `${path.join(".")}.`.startsWith(`${setting.path}.`)) as Setting)
  return {
    values,
    problems,
    origin: (path) => owner(path).origin,
    blame(path) {
      const { origin: _, ...blame } = owner(path)
      return blame
    },
  }
}

/**
 * A setting's value from one line of text. Nothing is guessed: a number is
 * digits, a truth is `true` or `false`. Empty text means null, or no entries.
 */
function readText({ kind, nullable, path }: Setting, text: string): { value: unknown } | { problem: string } {
  if (text === "" && nullable) return { value: null }
  switch (kind) {
    case "text":
      return { value: text }
    case "number":
      return /^-?[0-9]{1,15}$/.test(text) ? { value: Number(text) } : { problem: "must be a whole number" }
    case "boolean":
      return text === "true" || text === "false"
        ? { value: text === "true" }
        : { problem: "must be true or false" }
    case "list":
      return { value: text === "" ? [] : text.split(",").map((item) => item.trim()) }
    case "map":
      return readMap(text)
    case "file-only":
      return { problem: `${path} can be set in a file only` }
  }
}

function readMap(text: string): { value: unknown } | { problem: string } {
  const pairs = text.split(",").map((pair) => pair.trim())
  if (pairs.some((pair) => pair.indexOf("=") < 1))
    return { problem: "must be pairs such as k1=env:A,k2=file:/b" }
  const entries = pairs.map((pair): [string, string] => {
    const equals = pair.indexOf("=")
    return [pair.slice(0, equals), pair.slice(equals + 1)]
  })
  const value = Object.fromEntries(entries)
  return Object.keys(value).length === entries.length ? { value } : { problem: "has the same key twice" }
}
