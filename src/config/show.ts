import { Document, isCollection } from "yaml"
import { safe } from "../safe.ts"
import { hidePassword } from "./database-url.ts"
import type { Loaded } from "./load.ts"
import { leavesOf } from "./merge.ts"

const ORIGIN_COLUMN = 36

/** A configuration as JSON for machines: each key with its value and where that comes from. Secrets are stars. */
export function configJson(loaded: Loaded) {
  const settings = shownLeaves(loaded).map(({ path, value, origin }) => [path.join("."), { value, origin }])
  return { schema: 1, file: loaded.file, settings: Object.fromEntries(settings) }
}

/**
 * A configuration as YAML, each value followed by where it comes from. But for
 * the stars of a secret, and for characters that would not show and so are
 * named instead, it could be a configuration file again.
 */
export function configYaml(loaded: Loaded): string {
  const document = new Document({})
  for (const { path, value, origin } of shownLeaves(loaded)) {
    const node = document.createNode(value)
    if (isCollection(node)) node.flow = true
    node.comment = ` ${origin}`
    document.setIn(path, node)
  }
  const lines = document.toString({ lineWidth: 0 }).split("\n")
  return lines.map((line) => aligned(safe(line))).join("\n")
}

/** The origin in a column of its own, where the value leaves room. */
function aligned(line: string): string {
  const at = line.lastIndexOf(" # ")
  return at === -1 ? line : line.slice(0, at).padEnd(ORIGIN_COLUMN) + line.slice(at)
}

function shownLeaves({ config, origins }: Loaded) {
  return leavesOf(config).map(({ path, value }) => {
    const key = path.join(".")
    const shown = key === "database.url" && typeof value === "string" ? hidePassword(value) : value
    return { path, value: shown, origin: origins[key] ?? "default" }
  })
}
