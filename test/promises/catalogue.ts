import { existsSync, readFileSync } from "node:fs"
import { join } from "node:path"

/** One malformed input of the shared catalogue, with what it must get in its author's words. */
export interface CatalogueEntry {
  readonly name: string
  readonly kind: "message" | "config" | "env" | "cli"
  // biome-ignore lint/suspicious/noExplicitAny: the catalogue is open-ended
  readonly input: any
  readonly expect: string
}

const PATH = join(import.meta.dirname, "../../../shared/bad-inputs.jsonl")

/** The catalogue stands beside the project; where it is missing there are no entries, and its tests say so. */
const CATALOGUE: readonly CatalogueEntry[] = existsSync(PATH)
  ? readFileSync(PATH, "utf8")
      .split("\n")
      .filter((line) => line !== "")
      .map((line) => JSON.parse(line) as CatalogueEntry)
  : []

export const catalogueOf = (kind: CatalogueEntry["kind"]) => CATALOGUE.filter((entry) => entry.kind === kind)

/** A message's body; the catalogue gives some as a JavaScript expression. undefined when the entry is a whole batch. */
export function bodyOf(input: { body?: string; body_js?: string }): string | undefined {
  return input.body_js === undefined ? input.body : (new Function(`return ${input.body_js}`)() as string)
}
