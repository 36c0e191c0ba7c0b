import { readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Key } from "ink"
import { describe, expect, test } from "vitest"
import { SCREENS } from "../../src/tui/action.ts"
import { BINDINGS, type Place } from "../../src/tui/bindings.ts"
import { keymap, placesOf } from "../../src/tui/keymap.ts"
import { footerKeys, helpKeys, keysMarkdown, overlayRows } from "../../src/tui/keymap-text.ts"
import { firstModel, type Model } from "../../src/tui/model.ts"
import { presses } from "../../src/tui/press.ts"
import { update } from "../../src/tui/update.ts"
import { fakePorts, NOW } from "./fake-ports.ts"

const key = (pressed: Partial<Key> = {}) => pressed as Key
const first = firstModel(fakePorts().ports, NOW)
const on = (screen: Model["screen"]): Model => ({ ...first, screen })
const pressed = (model: Model, name: string) => keymap(placesOf(model), name)

describe("key names", () => {
  test.each<readonly [string, Partial<Key>, readonly string[]]>([
    ["q", {}, ["q"]],
    ["G", { shift: true }, ["G"]],
    ["c", { ctrl: true }, ["ctrl+c"]],
    ["", { upArrow: true }, ["up"]],
    ["", { downArrow: true }, ["down"]],
    ["", { pageUp: true }, ["pageup"]],
    ["", { pageDown: true }, ["pagedown"]],
    ["", { home: true }, ["home"]],
    ["", { end: true }, ["end"]],
    ["\r", { return: true }, ["enter"]],
    ["\n", {}, ["enter"]],
    ["", { escape: true }, ["esc"]],
    ["", { tab: true }, ["tab"]],
    ["", { tab: true, shift: true }, ["shift+tab"]],
    ["", { backspace: true }, ["backspace"]],
    ["", { delete: true }, ["delete"]],
    ["x", { meta: true }, []],
    ["q", { eventType: "release" }, []],
    ["jj", {}, ["j", "j"]],
    ["a\u0003\u007f\t", {}, ["a", "ctrl+c", "backspace", "tab"]],
    ["release\r", {}, [..."release", "enter"]],
    ["ü😀", {}, ["ü", "😀"]],
  ])("%j %j is %j", (input, flags, names) => {
    expect(presses(input, key(flags))).toEqual(names)
  })
})

describe("the keymap", () => {
  test("digits and tab go from screen to screen", () => {
    for (const [at, screen] of SCREENS.entries()) {
      expect(pressed(on("audit"), String(at + 1))).toEqual({ type: "show", screen })
    }
    expect(pressed(first, "tab")).toEqual({ type: "turn", by: 1 })
    expect(pressed(first, "shift+tab")).toEqual({ type: "turn", by: -1 })
  })

  test("p pauses on the drain, and nowhere else", () => {
    expect(pressed(first, "p")).toEqual({ type: "pause" })
    for (const screen of SCREENS.slice(1)) expect(pressed(on(screen), "p")).toBeNull()
  })

  test("Ctrl+C leaves from everywhere; q only where it is no letter", () => {
    const typing = { ...on("recover"), recover: { ...first.recover, isTyping: true } }
    const filtering = {
      ...on("audit"),
      audit: { ...first.audit, list: { ...first.audit.list, isFiltering: true } },
    }
    const help = { ...first, overlay: { page: "help" as const, list: first.drain.list } }
    for (const model of [...SCREENS.map(on), typing, filtering, help]) {
      expect(pressed(model, "ctrl+c")).toEqual({ type: "leave" })
    }
    for (const screen of SCREENS) expect(pressed(on(screen), "q")).toEqual({ type: "leave" })
    expect(pressed(typing, "q")).toEqual({ type: "insert", text: "q" })
    expect(pressed(filtering, "q")).toEqual({ type: "insert", text: "q" })
    expect(pressed(help, "q")).toEqual({ type: "back" })
  })

  test("while typing, every letter is a letter", () => {
    const typing = { ...on("recover"), recover: { ...first.recover, isTyping: true } }
    for (const letter of [..."abcdefghijklmnopqrstuvwxyzGp123456/? ü😀"]) {
      expect(pressed(typing, letter)).toEqual({ type: "insert", text: letter })
    }
    expect(pressed(typing, "\u0007")).toBeNull()
  })

  test("esc never leaves", () => {
    for (const binding of BINDINGS) expect(binding.keys["esc"]?.type ?? "back").toBe("back")
  })

  test("the demo is offered only where nothing is set up", () => {
    const bare = { ...first, missing: { ...first.missing, drain: { message: "no queue" } } }
    expect(pressed(bare, "d")).toEqual({ type: "demo" })
    expect(pressed(first, "d")).toBeNull()
  })

  test("nothing asks for the release of an original with a key of its own", () => {
    const typed = BINDINGS.flatMap(({ keys }) => Object.values(keys).map(({ type }) => type as string))
    expect(typed.filter((type) => /release|recover|show-original/.test(type))).toEqual([])
  })

  test("no two bindings that hold in one place share a key", () => {
    const places: readonly (readonly Place[])[] = [
      placesOf(first),
      ...SCREENS.map((screen) => placesOf(on(screen))),
      ["everywhere", "browsing", "unconfigured"],
      ["everywhere", "overlay", "scroll"],
      ["everywhere", "typing", "filter"],
      ["everywhere", "typing", "form"],
      ["everywhere", "typing", "confirm"],
      ["everywhere", "browsing", "recover", "opened", "scroll"],
      ["everywhere", "browsing", "list", "scroll", "drain", "opened", "ended"],
      ["everywhere", "browsing", "list", "scroll", "drain", "opened", "running"],
      ["everywhere", "browsing", "list", "scroll", "audit", "opened", "openable"],
    ]
    for (const place of places) {
      const keys = BINDINGS.filter((binding) => binding.in.some((one) => place.includes(one))).flatMap(
        ({ keys }) => Object.keys(keys),
      )
      expect(keys.toSorted(), place.join(" ")).toEqual([...new Set(keys)].toSorted())
    }
  })
})

describe("what is made of the keymap", () => {
  test("the help page has every key once, those of the place first", () => {
    const { here, elsewhere } = helpKeys(placesOf(first))
    expect(new Set([...here, ...elsewhere])).toEqual(new Set(BINDINGS))
    expect(here.length + elsewhere.length).toBe(BINDINGS.length)
    expect(here[0]?.does).toContain("pause the intake")
    const [help] = update(first, { type: "act", action: { type: "help" }, pageRows: 20 })
    expect(overlayRows(help)).toBeGreaterThan(BINDINGS.length)
  })

  test("the footer names the few keys that matter where one is", () => {
    const words = (model: Model) => footerKeys(placesOf(model)).map(({ shown, word }) => `${shown} ${word}`)
    expect(words(first)).toEqual(["p pause", "/ filter", "Tab screen", "? help", "q leave"])
    expect(words(on("audit"))).toEqual([
      "Enter open",
      "/ filter",
      "r refresh",
      "Tab screen",
      "? help",
      "q leave",
    ])
  })

  test("the README holds the table of keys, word for word", async () => {
    expect(await readFile(join(import.meta.dirname, "../../README.md"), "utf8")).toContain(keysMarkdown())
  })

  test("the table of keys has a row for every binding, and fits Markdown", () => {
    const rows = keysMarkdown().trim().split("\n")
    expect(rows).toHaveLength(BINDINGS.length + 2)
    for (const row of rows) expect(row.split("|")).toHaveLength(4)
    expect(keysMarkdown()).toContain("| `q` | finish the batch in hand and leave; again: leave now |")
  })
})
