import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"

const SRC = join(import.meta.dirname, "../../src")
const files = readdirSync(SRC, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(SRC, name), "utf8") }))

/** Files that load `target` as soon as they are loaded themselves. Types cost nothing. */
const loadersOf = (target: RegExp) =>
  files
    .filter(({ text }) =>
      [...text.matchAll(/^(?:import|export) (?!type )[^"]*?from "([^"]+)"/gm)].some(([, from = ""]) =>
        target.test(from),
      ),
    )
    .map(({ name }) => name)

test.each([
  ["pino", /^pino$/],
  ["prom-client", /^prom-client$/],
  ["the SNS client", /^@aws-sdk\/client-sns$/],
  ["what serves metrics", /\/(prometheus|server)\.ts$/],
  ["what sends alerts", /\/sns\.ts$/],
])("%s is loaded when it is used, never before", (_, target) => {
  expect(
    files.some(({ text }) => new RegExp(`import\\("[^"]*${target.source.replace(/[$^]/g, "")}`).test(text)),
  ).toBe(true)
  expect(loadersOf(target)).toEqual([])
})

test("the test sees an import that is not lazy", () => {
  expect(loadersOf(/\/log\.ts$/)).toContain("observation.ts")
})
