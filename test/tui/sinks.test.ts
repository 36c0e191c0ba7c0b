import { readdirSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { expect, test } from "vitest"

const TUI = resolve(import.meta.dirname, "../../src/tui")

const files = readdirSync(TUI, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.tsx?$/.test(name))
  .map((name) => ({ name, text: readFileSync(join(TUI, name), "utf8") }))

const using = (pattern: RegExp) => files.filter(({ text }) => pattern.test(text)).map(({ name }) => name)

test("text reaches the screen in one place, which makes it safe", () => {
  expect(using(/<Text\b/)).toEqual(["views/Line.tsx"])
  expect(using(/<(Static|Transform)\b/)).toEqual([])
  expect(using(/stdout\.write\(/)).toEqual(["linear/run-linear.ts"])
})

test("no component starts work, and none keeps state of its own", () => {
  expect(using(/\buse(Effect|LayoutEffect|InsertionEffect|State|Reducer|Ref)\b/)).toEqual([])
  expect(using(/\buseSyncExternalStore\(/)).toEqual(["App.tsx"])
})
