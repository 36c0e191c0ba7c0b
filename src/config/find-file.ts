import { constants, lstat, open, stat } from "node:fs/promises"
import { dirname, extname, join, resolve } from "node:path"
import { geteuid } from "node:process"
import { Explorer } from "cosmiconfig/dist/Explorer.js"
import { UserError } from "../errors.ts"
import { refuseEndless } from "./plain-file.ts"

/** A configuration file as it was found. */
export interface FoundFile {
  readonly path: string
  readonly text: string
}

const PLACES = [
  "peppermill.config.yaml",
  "peppermill.config.yml",
  "peppermill.config.json",
  ".peppermillrc",
  ".peppermillrc.yaml",
  ".peppermillrc.json",
]

/** In a folder of our own the name need not say whose configuration it is. */
const XDG_PLACES = ["config.yaml", "config.yml", "config.json", ...PLACES]

const EXTENSIONS = ["", ".yaml", ".yml", ".json"]

/**
 * The explorer without its factory, because the factory runs `.config/config.js`
 * of the working directory and obeys `cosmiconfig` in its package.json, whatever
 * options it is given. Our loader hands the text on as it is, so `$import` means
 * nothing, and nothing is ever executed.
 */
function createExplorer(searchPlaces: string[]): Explorer {
  const asText = (_file: string, text: string) => ({ text })
  return new Explorer({
    moduleName: "peppermill",
    metaConfigFilePath: null,
    searchPlaces,
    loaders: { ".yaml": asText, ".yml": asText, ".json": asText, noExt: asText },
    // One directory at a time; which ones is for us to say.
    searchStrategy: "none",
    ignoreEmptySearchPlaces: false,
    mergeImportArrays: false,
    mergeSearchPlaces: false,
    transform: (result) => result,
    cache: false,
  })
}

/** Read the file that the operator names. */
export async function readNamedFile(cwd: string, file: string): Promise<FoundFile> {
  const path = resolve(cwd, file)
  if (!EXTENSIONS.includes(extname(path))) {
    throw new UserError("config", `${file}: is not a configuration file`, {
      hint: "a configuration is YAML or JSON: name it .yaml, .yml or .json",
    })
  }
  await refuseEndless(path)
  const result = await createExplorer([])
    .load(path)
    .catch((error: unknown) => {
      throw unreadable(file, error)
    })
  return { path, text: textOf(result) }
}

/**
 * Search from `cwd` up to the root of the file system, then in the XDG
 * configuration folder. The first file found counts.
 *
 * @throws UserError of kind `config`: a file is there and cannot be read, or it
 * stands above `cwd` and belongs to somebody else, who could so choose our
 * queue, our database and the recipients of the vault.
 */
export async function findFile(
  cwd: string,
  env: Readonly<Record<string, string | undefined>>,
  home: string,
): Promise<FoundFile | null> {
  const xdg = env["XDG_CONFIG_HOME"]
  const xdgFolder = join(xdg?.startsWith("/") ? xdg : join(home, ".config"), "peppermill")
  for (const directory of upward(cwd)) {
    const found = await findIn(directory, PLACES)
    if (found === null) continue
    if (directory !== cwd) await refuseStrangersFile(found.path)
    return found
  }
  return findIn(xdgFolder, XDG_PLACES)
}

async function findIn(directory: string, places: string[]): Promise<FoundFile | null> {
  if (!(await isThere(directory))) return null
  // The explorer passes over a file that it may not read. Another configuration, or none, would be used instead.
  for (const place of places) await refuseUnreadable(join(directory, place))
  const result = await createExplorer(places).search(directory)
  return result === null ? null : { path: result.filepath, text: textOf(result) }
}

function textOf(result: { config?: unknown } | null): string {
  const { text = "" } = (result?.config ?? {}) as { text?: string }
  return text
}

function* upward(from: string): Generator<string> {
  let directory = resolve(from)
  yield directory
  while (dirname(directory) !== directory) {
    directory = dirname(directory)
    yield directory
  }
}

async function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  )
}

async function refuseUnreadable(path: string): Promise<void> {
  if (!(await isThere(path))) return
  // Opened, because access(2) answers for the real user instead of the effective one. A pipe would make us wait.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK).catch((error: unknown) => {
    throw unreadable(path, error)
  })
  const stats = await file.stat().finally(() => file.close())
  if (!stats.isFile() && !stats.isDirectory()) throw new UserError("config", `${path}: is not a plain file`)
  await refuseEndless(path)
}

async function refuseStrangersFile(path: string): Promise<void> {
  const uid = geteuid?.()
  if (uid === undefined) return
  const owner = (await stat(path)).uid
  if (owner === uid || owner === 0) return
  throw new UserError("config", `${path}: belongs to another user, and stands above the working directory`, {
    hint: `to use it, say so: --config ${path}`,
  })
}

function unreadable(file: string, error: unknown): UserError {
  const code = error instanceof Error && "code" in error ? String(error.code) : "unknown"
  const what =
    { ENOENT: "there is no such file", EISDIR: "is a directory", EACCES: "may not be read" }[code] ??
    `cannot be read (${code})`
  return new UserError("config", `${file}: ${what}`)
}
