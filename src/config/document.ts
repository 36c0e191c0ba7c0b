import {
  type ErrorCode,
  isMap,
  isNode,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from "yaml"
import type { Problem } from "./problem.ts"

/** A configuration file, taken apart, that remembers where everything stood. */
export interface ConfigDocument {
  /** Plain values: maps, lists and scalars. undefined or null for an empty file. */
  readonly tree: unknown
  /** `file:line:column` of a value, or of its key, or of the nearest thing above it that the file has. */
  place(path: readonly PropertyKey[], part?: "key" | "value"): string
  has(path: readonly PropertyKey[]): boolean
}

/** Far more than a configuration needs. The parser's time grows with the square of a nesting or of a map's size. */
const MAX_CHARACTERS = 32_768

/** The parser's own words quote the text around a mistake, which may be a secret. */
const SYNTAX: Partial<Record<ErrorCode, string>> = {
  BAD_DQ_ESCAPE: "an escape that double quotes do not know",
  BAD_INDENT: "wrong indentation",
  BAD_SCALAR_START: "a value that begins with this character needs quotes",
  BLOCK_AS_IMPLICIT_KEY: "two keys in one line, or a value with a colon that needs quotes",
  DUPLICATE_KEY: "this key stands here twice",
  MISSING_CHAR: "a quote, bracket, comma or colon is missing",
  MULTILINE_IMPLICIT_KEY: "a key without a value, or a value that needs quotes",
  MULTIPLE_DOCS: "a second document begins here",
  NON_STRING_KEY: "a key that is not text",
  RESOURCE_EXHAUSTION: "nested too deeply",
  TAB_AS_INDENT: "a tab: indent with spaces",
  TAG_RESOLVE_FAILED: "tags are not accepted",
}

/**
 * Take a YAML or JSON file apart. Anchors may stand in it but not be used:
 * a few lines of aliases can stand for billions of values.
 *
 * @param file - What places and problems call it.
 */
export function parseConfig(text: string, file: string): ConfigDocument | Problem {
  if (text.length > MAX_CHARACTERS)
    return { where: file, what: `is larger than ${MAX_CHARACTERS} characters` }
  const lines = new LineCounter()
  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    stringKeys: true,
    // "warn" writes to the console.
    logLevel: "error",
  })
  const at = (offset: number) => {
    const { line, col } = lines.linePos(offset)
    return `${file}:${line}:${col}`
  }
  const [wrong] = [...document.errors, ...document.warnings]
  if (wrong !== undefined) return { where: at(wrong.pos[0]), what: SYNTAX[wrong.code] ?? "is not valid YAML" }

  let refused: Problem | undefined
  visit(document, {
    Alias: (_, node) => {
      refused = {
        where: at(node.range?.[0] ?? 0),
        what: "aliases are not accepted",
        hint: "write the value again",
      }
      return visit.BREAK
    },
    Pair: (_, { key }) => {
      if (!isScalar(key) || key.value !== "__proto__") return undefined
      refused = { where: at(key.range?.[0] ?? 0), what: "this key is not accepted" }
      return visit.BREAK
    },
  })
  if (refused !== undefined) return refused

  return {
    tree: document.toJS(),
    place(path, part = "value") {
      let node = document.contents as Node | null
      let offset = node?.range?.[0] ?? 0
      for (const [depth, name] of path.entries()) {
        const { key, value } = childOf(node, name)
        const keyWanted = part === "key" && depth === path.length - 1
        offset = (keyWanted ? key : (value ?? key))?.range?.[0] ?? offset
        node = value
      }
      return at(offset)
    },
    has(path) {
      let node = document.contents as Node | null
      for (const name of path) node = childOf(node, name).value
      return node !== null
    },
  }
}

/** What stands under a key or at an index; nulls when nothing does. */
function childOf(node: Node | null, name: PropertyKey): { key: Node | null; value: Node | null } {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && String(key.value) === String(name))
    return { key: isNode(pair?.key) ? pair.key : null, value: isNode(pair?.value) ? pair.value : null }
  }
  const item = isSeq(node) ? node.items[Number(name)] : undefined
  return { key: null, value: isNode(item) ? item : null }
}
