import fc from "fast-check"
import leven from "leven"
import { describe, expect, test } from "vitest"
import { stringify } from "yaml"
import { parseConfig } from "../../src/config/document.ts"
import { defaultLayer, fileLayer } from "../../src/config/layer.ts"
import { defaultTree, type Loaded } from "../../src/config/load.ts"
import { mergeLayers, originsOf } from "../../src/config/merge.ts"
import { SETTINGS, valueAt } from "../../src/config/settings.ts"
import { configYaml } from "../../src/config/show.ts"
import { environmentLayer, flagLayer } from "../../src/config/text-layer.ts"
import { UserError } from "../../src/errors.ts"

/** Settings with values of which each is accepted, whatever the others are. */
const RANGES = {
  "queue.pollers": [1, 256],
  "queue.waitSeconds": [1, 20],
  "queue.visibilitySeconds": [1, 43_200],
  "database.poolSize": [1, 100],
  "batch.rows": [1, 10_000],
  "batch.lingerMs": [0, 10_000],
  "drain.timeoutSeconds": [0, 43_200],
  "drain.emptyPolls": [1, 100],
  "recovery.approvals": [0, 10],
  "recovery.rowsPerHour": [1, 1_000_000],
} as const

type Values = Readonly<Record<string, number>>

const values: fc.Arbitrary<Values> = fc
  .record(
    Object.fromEntries(Object.entries(RANGES).map(([path, [min, max]]) => [path, fc.integer({ min, max })])),
    { requiredKeys: [] },
  )
  .map((record) => record as Values)

function nested(flat: Readonly<Record<string, unknown>>): Record<string, Record<string, unknown>> {
  const tree: Record<string, Record<string, unknown>> = {}
  for (const [path, value] of Object.entries(flat)) {
    const [section = "", name = ""] = path.split(".")
    tree[section] = { ...tree[section], [name]: value }
  }
  return tree
}

const DEFAULTS = defaultLayer(defaultTree())

function layerOf(text: string) {
  const document = parseConfig(text, "c.yaml")
  if ("what" in document) throw new Error(`${document.where}: ${document.what}`)
  return fileLayer(document)
}

/** The message of the refusal. Anything but a `UserError` fails the test. */
function refusalOf(text: string): string {
  try {
    mergeLayers([DEFAULTS, layerOf(text)])
  } catch (error) {
    if (error instanceof UserError) return error.message
    throw error
  }
  throw new Error("it was accepted")
}

function loaded(text: string): Loaded {
  const layers = [DEFAULTS, layerOf(text)]
  const config = mergeLayers(layers)
  return { config, file: "c.yaml", origins: originsOf(config, layers), warnings: [] }
}

/** What stands at `file:line:column`, to the end of its line. */
function standsAt(text: string, message: string): string {
  const [, line, column] = /^c\.yaml:(\d+):(\d+)\b/.exec(message) ?? []
  return (text.split("\n")[Number(line) - 1] ?? "").slice(Number(column) - 1)
}

describe("whatever the layers say", { timeout: 120_000 }, () => {
  test("every setting has the value of the last layer that has it, and names that layer", () => {
    fc.assert(
      fc.property(values, values, values, (file, env, flags) => {
        const variables = Object.fromEntries(
          Object.entries(env).map(([path, value]) => [
            SETTINGS.find((setting) => setting.path === path)?.variable,
            `${value}`,
          ]),
        )
        const texts = Object.fromEntries(Object.entries(flags).map(([path, value]) => [path, `${value}`]))
        const layers = [
          DEFAULTS,
          layerOf(stringify(nested(file))),
          environmentLayer(variables),
          flagLayer(texts),
        ]
        const config = mergeLayers(layers)
        const origins = originsOf(config, layers)
        for (const path of Object.keys(RANGES)) {
          const expected = flags[path] ?? env[path] ?? file[path] ?? DEFAULTS.values.get(path)
          expect(valueAt(config, path.split("."))).toBe(expected)
          const origin =
            path in flags
              ? "flag"
              : path in env
                ? /^PEPPERMILL_/
                : path in file
                  ? /^c\.yaml:\d+:\d+$/
                  : "default"
          expect(origins[path]).toMatch(origin)
        }
      }),
      { numRuns: 200 },
    )
  })

  test("what print shows is a file that means the same", () => {
    const text = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 30 })
    const column = fc.stringMatching(/^[a-z_][a-z0-9_]{0,10}$/)
    const fields = fc
      .uniqueArray(fc.tuple(text, column), {
        minLength: 1,
        maxLength: 6,
        selector: ([, name]) => name,
      })
      .filter((list) => new Set(list.map(([name]) => name)).size === list.length)
    fc.assert(
      fc.property(values, text, fields, (numbers, caFile, list) => {
        const [[subject] = [""]] = list
        const event = {
          subject,
          sentDate: null,
          fields: Object.fromEntries(
            list.map(([name, to], at) => [name, { type: "text", column: `c${at}_${to}` }]),
          ),
        }
        const tree = nested({ ...numbers, "database.caFile": caFile })
        fc.pre(subject !== "__proto__" && !list.some(([name]) => name === "__proto__"))
        const first = loaded(stringify({ ...tree, event }))
        expect(loaded(configYaml(first)).config).toEqual(first.config)
      }),
      { numRuns: 300 },
    )
  })
})

describe("whatever is wrong in a file", { timeout: 120_000 }, () => {
  const KEYS = Object.keys(RANGES).map((path) => path.split(".") as [section: string, name: string])
  const key = fc.constantFrom(...KEYS)
  /** Lines that mean nothing, in front. */
  const noise = fc.array(fc.constantFrom("", "# a remark: with a colon", "   # another"), {
    maxLength: 5,
  })

  test("a mistyped key is told by its place, and a key as near as the one that was meant is suggested", () => {
    const letter = fc.constantFrom(..."abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ")
    fc.assert(
      fc.property(
        key,
        noise,
        fc.nat(),
        letter,
        fc.nat({ max: 2 }),
        ([section, name], lines, where, typo, how) => {
          const at = where % name.length
          const wrong =
            how === 0
              ? name.slice(0, at) + name.slice(at + 1)
              : name.slice(0, at) + typo + name.slice(at + (how === 1 ? 0 : 1))
          fc.pre(SETTINGS.every(({ path }) => path !== `${section}.${wrong}`))
          const text = `${lines.join("\n")}\n${section}:\n  ${wrong}: 1\n`
          const message = refusalOf(text)
          expect(standsAt(text, message)).toMatch(new RegExp(`^${wrong}: 1`))
          const suggested = /\(did you mean (.*)\?\)/.exec(message)?.[1]
          expect(SETTINGS.some(({ path }) => path === `${section}.${suggested}` || path === suggested)).toBe(
            true,
          )
          const own = suggested?.split(".").at(-1) ?? ""
          const distance = (to: string) => leven(wrong.toLowerCase(), to.toLowerCase())
          expect(distance(own)).toBeLessThanOrEqual(distance(name))
        },
      ),
      { numRuns: 500 },
    )
  })

  test("a wrong value is told by its place and its key, and never repeated", () => {
    const indent = fc.integer({ min: 1, max: 8 })
    fc.assert(
      fc.property(key, noise, indent, fc.boolean(), ([section, name], lines, width, quoted) => {
        const value = quoted ? '"Xq7-canary"' : "Xq7-canary"
        const text = `${lines.join("\n")}\n${section}:\n${" ".repeat(width)}${name}: ${value}\n`
        const message = refusalOf(text)
        expect(standsAt(text, message)).toBe(value)
        expect(message).toContain(` ${section}.${name}: must be a whole number`)
        expect(message).not.toContain("canary")
      }),
      { numRuns: 300 },
    )
  })

  test("any text is a configuration or a refusal at a place that exists, and nothing of it is quoted", () => {
    const piece = fc.constantFrom(
      ..."{}[],:#&*!|>'\"%@`?- \n\t\\0a".split(""),
      "queue:",
      "\n  ",
      "pollers",
      "Xq7-canary",
      "<<: *a",
      "&a ",
      "!!js/function ",
      "---\n",
      "__proto__",
      "\u2028",
      "\ufeff",
    )
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        const text = pieces.join("")
        const document = parseConfig(text, "c.yaml")
        if ("what" in document) {
          expect(document.where).toMatch(/^c\.yaml:\d+:\d+$/)
          expect(document.what + (document.hint ?? "")).not.toContain("canary")
        } else
          expect(fileLayer(document).problems.every(({ where }) => where.startsWith("c.yaml:"))).toBe(true)
        expect(Object.prototype).not.toHaveProperty("pollers")
      }),
      { numRuns: 2_000 },
    )
  })
})
