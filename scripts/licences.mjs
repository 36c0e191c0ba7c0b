import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const PACKAGE = /^(?:.*node_modules\/)(?:@[^/]+\/)?[^/]+(?=\/)/
const LICENCE = /^(licen[cs]e|copying|notice)/i

function entryOf(folder) {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, "package.json"), "utf8"))
  const texts = readdirSync(folder)
    .filter((file) => LICENCE.test(file))
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim())
  return { title: `${name} ${version} (${license})`, text: texts.join("\n\n") }
}

/**
 * Name, version and licence of every package whose code is in the executable,
 * Node's first. A text that several share is printed once, under all of them.
 *
 * @param nodeFolder The npm package that the Node binary comes from.
 */
export function licencesOf(metafile, root, nodeFolder) {
  const bundled = Object.values(metafile.outputs).flatMap(({ inputs }) => Object.keys(inputs))
  const folders = new Set(bundled.flatMap((input) => PACKAGE.exec(input) ?? []))
  const entries = [nodeFolder, ...[...folders].sort().map((folder) => join(root, folder))].map(entryOf)
  return [...Map.groupBy(entries, ({ text }) => text)]
    .map(([text, users]) => [...users.map(({ title }) => title), "", text].join("\n").trim())
    .join(`\n\n${"-".repeat(80)}\n\n`)
    .concat("\n")
}
