import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"

const LICENCE = /^(licen[cs]e|copying|notice)/i

function textOf(folder) {
  const files = readdirSync(folder).filter((file) => LICENCE.test(file))
  return files
    .sort()
    .map((file) => readFileSync(join(folder, file), "utf8").trim())
    .join("\n\n")
}

/**
 * Name, version, licence and licence text of packages. A text that several
 * share is printed once, under all of them.
 */
export function licencesOf(packages, root) {
  const byText = Map.groupBy(packages, ({ folder }) => textOf(join(root, folder)))
  return [...byText]
    .map(([text, users]) => {
      const titles = users.map(({ name, version, license }) => `${name} ${version} (${license})`)
      return [...titles, "", text].join("\n").trim()
    })
    .join(`\n\n${"-".repeat(80)}\n\n`)
    .concat("\n")
}
