import { readFileSync } from "node:fs"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { configSchema } from "../../src/config/config.ts"
import { configJsonSchema } from "../../src/config/json-schema.ts"
import { defaultTree } from "../../src/config/load.ts"
import { SETTINGS } from "../../src/config/settings.ts"
import { load, refusal, wordsOf } from "./scenario.ts"

const defaultFile = readFileSync(new URL("../../config/default.yaml", import.meta.url), "utf8")
const numbers = SETTINGS.filter(({ kind }) => kind === "number")

describe("config/default.yaml", () => {
  test("holds every key and no other, and is itself a good configuration", () => {
    expect(configSchema.safeParse(defaultTree()).error).toBeUndefined()
  })

  test("says beside every key what it is", () => {
    for (const { path } of SETTINGS) {
      const key = path.split(".").at(-1)
      const line = defaultFile.split("\n").find((text) => text.startsWith(`  ${key}:`)) ?? ""
      expect(line, path).toMatch(/ # \S/)
    }
  })

  test("says beside every number from where to where it goes", () => {
    for (const { path } of numbers) {
      const [section = "", key = ""] = path.split(".")
      const [, min, max] =
        new RegExp(`^${section}:[^]*?^  ${key}:.*, (\\d+) to (\\d+)`, "m").exec(defaultFile) ?? []
      const schema = configJsonSchema() as {
        properties: Record<string, { properties: Record<string, object> }>
      }
      expect(schema.properties[section]?.properties[key], path).toSatisfy((property: object) =>
        JSON.stringify(property).includes(`"minimum":${min},"maximum":${max}`),
      )
    }
  })
})

describe("a variable's name", () => {
  test.each([
    ["queue.waitSeconds", "PEPPERMILL_QUEUE_WAIT_SECONDS"],
    ["queue.allowPlainHttp", "PEPPERMILL_QUEUE_ALLOW_PLAIN_HTTP"],
    ["recovery.ttlMinutes", "PEPPERMILL_RECOVERY_TTL_MINUTES"],
    ["batch.lingerMs", "PEPPERMILL_BATCH_LINGER_MS"],
    ["event.sentDate", "PEPPERMILL_EVENT_SENT_DATE"],
  ])("%s is %s", (path, variable) => {
    expect(SETTINGS.find((setting) => setting.path === path)?.variable).toBe(variable)
  })

  test("belongs to one setting, and has the shape of a variable", () => {
    const names = SETTINGS.map(({ variable }) => variable)
    expect(new Set(names).size).toBe(names.length)
    for (const name of names) expect(name).toMatch(/^PEPPERMILL(_[A-Z]+)+$/)
  })
})

describe("a variable's value", () => {
  test.each([
    [{ PEPPERMILL_QUEUE_POLLERS: "16" }, { queue: { pollers: 16 } }],
    [{ PEPPERMILL_QUEUE_ALLOW_PLAIN_HTTP: "true" }, { queue: { allowPlainHttp: true } }],
    [{ PEPPERMILL_VAULT_RECIPIENTS: "age1a, age1b" }, { vault: { recipients: ["age1a", "age1b"] } }],
    [{ PEPPERMILL_VAULT_RECIPIENTS: "" }, { vault: { recipients: [] } }],
    [{ PEPPERMILL_VAULT_RETENTION_DAYS: "" }, { vault: { retentionDays: null } }],
    [{ PEPPERMILL_QUEUE_ENDPOINT: "" }, { queue: { endpoint: null } }],
    [{ PEPPERMILL_EVENT_SENT_DATE: "" }, { event: { sentDate: null } }],
    [{ PEPPERMILL_EVENT_TABLE: "app.logins" }, { event: { table: "app.logins" } }],
    [
      { PEPPERMILL_MASKING_KEYS: "k1=env:A,k2=file:/x=y", PEPPERMILL_MASKING_ACTIVE_KEY: "k2" },
      { masking: { activeKey: "k2", keys: { k1: "env:A", k2: "file:/x=y" } } },
    ],
  ])("%j", async (env, config) => {
    expect((await load({ env })).config).toMatchObject(config)
  })

  test.each([
    [{ PEPPERMILL_QUEUE_POLLERS: "abc" }, "PEPPERMILL_QUEUE_POLLERS: must be a whole number"],
    [{ PEPPERMILL_QUEUE_POLLERS: "" }, "PEPPERMILL_QUEUE_POLLERS: must be a whole number"],
    [{ PEPPERMILL_QUEUE_POLLERS: " 8" }, "PEPPERMILL_QUEUE_POLLERS: must be a whole number"],
    [{ PEPPERMILL_QUEUE_POLLERS: "0x8" }, "PEPPERMILL_QUEUE_POLLERS: must be a whole number"],
    [{ PEPPERMILL_QUEUE_POLLERS: "8.0" }, "PEPPERMILL_QUEUE_POLLERS: must be a whole number"],
    [{ PEPPERMILL_QUEUE_POLLERS: "1e1" }, "PEPPERMILL_QUEUE_POLLERS: must be a whole number"],
    [
      { PEPPERMILL_QUEUE_WAIT_SECONDS: "21" },
      "PEPPERMILL_QUEUE_WAIT_SECONDS: must be a whole number from 1 to 20 (SQS long-polls for 20 seconds at most)",
    ],
    [{ PEPPERMILL_QUEUE_ALLOW_PLAIN_HTTP: "1" }, "PEPPERMILL_QUEUE_ALLOW_PLAIN_HTTP: must be true or false"],
    [
      { PEPPERMILL_QUEUE_ALLOW_PLAIN_HTTP: "TRUE" },
      "PEPPERMILL_QUEUE_ALLOW_PLAIN_HTTP: must be true or false",
    ],
    [
      { PEPPERMILL_VAULT_RECIPIENTS: "age1a,,age1b" },
      "PEPPERMILL_VAULT_RECIPIENTS: must be an age public key, which begins with age1",
    ],
    [
      { PEPPERMILL_MASKING_KEYS: "env:A" },
      "PEPPERMILL_MASKING_KEYS: must be pairs such as k1=env:A,k2=file:/b",
    ],
    [{ PEPPERMILL_MASKING_KEYS: "" }, "PEPPERMILL_MASKING_KEYS: must be pairs such as k1=env:A,k2=file:/b"],
    [{ PEPPERMILL_MASKING_KEYS: "k1=env:A,k1=env:B" }, "PEPPERMILL_MASKING_KEYS: has the same key twice"],
    [{ PEPPERMILL_MASKING_KEYS: "__proto__=env:A" }, "PEPPERMILL_MASKING_KEYS: must name at least one key"],
    [{ PEPPERMILL_EVENT_FIELDS: "{}" }, "PEPPERMILL_EVENT_FIELDS: event.fields can be set in a file only"],
    [
      { PEPPERMILL_EVENT_TABLE: "" },
      "PEPPERMILL_EVENT_TABLE: must be a table's name: table or schema.table, lower case",
    ],
  ])("%j is refused", async (env, message) => {
    const error = await refusal(load({ env }))
    expect(error).toMatchObject({ kind: "config", message })
  })

  test("every number is held to its range, at both ends", async () => {
    for (const { path, variable } of numbers) {
      for (const text of ["-1", "10000000"]) {
        const { message } = await refusal(load({ env: { [variable]: text } }))
        expect(message, path).toMatch(
          new RegExp(`^${variable}: must be a whole number from \\d+ to \\d+ \\(`),
        )
      }
    }
  })

  test("is never repeated in an error", async () => {
    const name = fc.constantFrom(...SETTINGS.map(({ variable }) => variable))
    await fc.assert(
      fc.asyncProperty(name, fc.string({ maxLength: 30 }), async (variable, text) => {
        const canary = `Xq7${text}`
        const outcome = await load({ env: { [variable]: canary } }).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome.message + String(outcome.cause)).not.toContain(canary)
        else expect(outcome).toHaveProperty("config")
      }),
      { numRuns: 200 },
    )
  })
})

describe("a flag", () => {
  test("is to blame for its own mistakes, which are mistakes of usage", async () => {
    const zero = await refusal(load({ overrides: { "batch.rows": "0" } }))
    expect(zero.kind).toBe("usage")
    expect(zero.message).toMatch(/^batch\.rows \(from a flag\): must be a whole number from 1 to 10000/)
    const unknown = await refusal(load({ overrides: { "bach.rows": "5" } }))
    expect(unknown).toMatchObject({
      kind: "usage",
      message: "a flag: unknown key bach.rows (did you mean batch.rows?)",
    })
  })

  test("does not hide that the file is wrong too", async () => {
    const error = await refusal(
      load({ env: { PEPPERMILL_QUEUE_POLLERS: "0" }, overrides: { "batch.rows": "0" } }),
    )
    expect(error.kind).toBe("config")
  })

  test("may ask for batches beyond what one statement's parameters could carry", async () => {
    expect((await load({ overrides: { "batch.rows": "10000" } })).config.batch.rows).toBe(10_000)
  })
})

test("a mask key pasted in the place of its reference is refused unseen", async () => {
  const key = "ab".repeat(32)
  for (const text of [
    key,
    `env:${key}`,
    `aws-sm:${key}#k`,
    `file:${key}`,
    `aws-sm:`,
    `ENV:${key}`,
    `k=${key}`,
  ]) {
    const error = await refusal(load({ env: { PEPPERMILL_MASKING_KEYS: `k1=${text}` } }))
    expect(error.message).toMatch(/^PEPPERMILL_MASKING_KEYS: must be a reference: env:NAME/)
    expect(wordsOf(error)).not.toContain(key.slice(0, 8))
  }
})

describe("the JSON Schema", () => {
  type Node = { properties: Record<string, Node>; required?: string[]; [keyword: string]: unknown }
  const schema = configJsonSchema() as Node

  test("tells the meaning and the default of every key, and requires none", () => {
    expect(schema["$schema"]).toBe("https://json-schema.org/draft/2020-12/schema")
    for (const { path } of SETTINGS) {
      const [section = "", key = ""] = path.split(".")
      const node = schema.properties[section]?.properties[key]
      expect(node, path).toMatchObject({ description: expect.stringMatching(/\w/) })
      expect(node, path).toHaveProperty("default")
      expect(schema.properties[section]).not.toHaveProperty("required")
    }
    expect(schema).not.toHaveProperty("required")
  })

  test("refuses unknown keys, as we do", () => {
    expect(schema["additionalProperties"]).toBe(false)
    expect(schema.properties["queue"]?.["additionalProperties"]).toBe(false)
  })
})
