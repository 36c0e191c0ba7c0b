import { stat } from "node:fs/promises"
import { homedir } from "node:os"
import { relative } from "node:path"
import defaultText from "../../config/default.yaml" with { type: "text" }
import { type Config, doubts } from "./config.ts"
import { hidePassword } from "./database-url.ts"
import { refuseDebugging } from "./debugging.ts"
import { parseConfig } from "./document.ts"
import { refuseEndpointOverrides } from "./endpoint-overrides.ts"
import { type FoundFile, findFile, readNamedFile } from "./find-file.ts"
import { defaultLayer, fileLayer, type Layer } from "./layer.ts"
import { mergeLayers, originsOf, ownerOf } from "./merge.ts"
import { problemsError } from "./problem.ts"
import { parseReference } from "./reference.ts"
import { othersMayRead } from "./secret-file.ts"
import { environmentLayer, flagLayer, unknownVariables } from "./text-layer.ts"

export interface LoadOptions {
  /** Where the search for a file begins. */
  readonly cwd: string
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home?: string
  /** Read this file instead of searching for one; null: read none. */
  readonly file?: string | null
  /** From flags: configuration key → text, as in a variable. */
  readonly overrides?: Readonly<Record<string, string>>
}

export interface Loaded {
  readonly config: Config
  /** The file that was read, or null. */
  readonly file: string | null
  /** Key of every single value → `default`, `FILE:LINE:COLUMN`, the variable's name, or `flag`. */
  readonly origins: Readonly<Record<string, string>>
  /** Sentences for the operator. */
  readonly warnings: readonly string[]
}

/**
 * The configuration: the embedded defaults, overridden by one file, by
 * `PEPPERMILL_…` variables, and by flags. Sections merge; a list,
 * `masking.keys` and `event.fields` are replaced whole.
 *
 * @throws UserError of kind `config` (`usage` when only flags are to blame)
 * with a line for each problem. It names files, lines and keys, never a value.
 */
export async function loadConfig(options: LoadOptions): Promise<Loaded> {
  const { cwd, env, home = homedir(), file, overrides = {} } = options
  const found =
    file === null ? null : await (file === undefined ? findFile(cwd, env, home) : readNamedFile(cwd, file))
  const fromFile = found === null ? [] : [readFileLayer(found, cwd)]
  const layers = [defaultLayer(defaultTree()), ...fromFile, environmentLayer(env), flagLayer(overrides)]
  const config = mergeLayers(layers)
  refuseEndpointOverrides(config, env)
  refuseDebugging(env)
  return {
    config,
    file: found?.path ?? null,
    origins: originsOf(config, layers),
    warnings: [
      ...doubts(config),
      ...unknownVariables(env, referredVariables(config)),
      ...(fromFile.includes(ownerOf(layers, "database.url")) ? await exposedPassword(config, found) : []),
    ],
  }
}

/** The embedded defaults as a plain tree. */
export function defaultTree(): unknown {
  const document = parseConfig(defaultText, "default.yaml")
  if ("what" in document) throw new Error(`${document.where}: ${document.what}`)
  return document.tree
}

function readFileLayer({ path, text }: FoundFile, cwd: string): Layer {
  const inside = relative(cwd, path)
  const document = parseConfig(text, inside.startsWith("..") ? path : inside)
  if ("what" in document) throw problemsError([document])
  return fileLayer(document)
}

/** The variables that references name: they may begin with PEPPERMILL_ without being settings. */
function referredVariables({ masking, database }: Config): ReadonlySet<string> {
  const references = [...Object.values(masking.keys), database.url ?? ""].map(parseReference)
  return new Set(references.flatMap((reference) => (reference?.kind === "env" ? [reference.name] : [])))
}

/**
 * A password in a file that others can read. Only a warning: a mounted
 * configuration is often readable to all and alone in its container.
 */
async function exposedPassword(
  { database: { url } }: Config,
  file: FoundFile | null,
): Promise<readonly string[]> {
  if (file === null || url === null || hidePassword(url) === url) return []
  if (!othersMayRead(await stat(file.path))) return []
  return [
    `${file.path} holds the database's password, and others can read it: ` +
      "chmod 600, or put env:NAME or file:/path in its place",
  ]
}
