import { chownSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { getuid } from "node:process"
import { describe, expect, test } from "vitest"
import { directoryOf, load, loadText, refusal } from "./scenario.ts"

describe("a layer overrides those below it", () => {
  const file = "queue: { pollers: 2, waitSeconds: 2, visibilitySeconds: 20 }\n"
  const env = { PEPPERMILL_QUEUE_POLLERS: "3", PEPPERMILL_QUEUE_WAIT_SECONDS: "3" }

  test("default, file, variable, flag, in this order", async () => {
    const { config } = await loadText(file, { env, overrides: { "queue.pollers": "4" } })
    expect(config.queue).toMatchObject({
      pollers: 4,
      waitSeconds: 3,
      visibilitySeconds: 20,
      allowPlainHttp: false,
    })
  })

  test("and every value tells where it comes from", async () => {
    const { origins } = await loadText(file, { env, overrides: { "queue.pollers": "4" } })
    expect(origins).toMatchObject({
      "queue.pollers": "flag",
      "queue.waitSeconds": "PEPPERMILL_QUEUE_WAIT_SECONDS",
      "queue.visibilitySeconds": "peppermill.config.yaml:1:57",
      "queue.allowPlainHttp": "default",
    })
  })

  test("lists, mask keys and fields are replaced whole, not mixed", async () => {
    const { config, origins } = await loadText(
      "masking: { activeKey: k2, keys: { k2: env:A } }\n" +
        "event: { subject: who, fields: { who: { type: text } }, sentDate: null }\n",
    )
    expect(config.masking.keys).toEqual({ k2: "env:A" })
    expect(Object.keys(config.event.fields)).toEqual(["who"])
    expect(config.event.table).toBe("user_logins")
    expect(origins["masking.keys.k2"]).toBe("peppermill.config.yaml:1:39")
    expect(origins["event.fields.who.mask"]).toBe("default")
  })
})

describe("the search for a file", () => {
  const file = (pollers: number) => `queue: { pollers: ${pollers} }\n`

  test.each([
    "peppermill.config.yaml",
    "peppermill.config.yml",
    "peppermill.config.json",
    ".peppermillrc",
    ".peppermillrc.yaml",
    ".peppermillrc.json",
  ])("finds %s", async (name) => {
    const cwd = directoryOf({ [name]: '{"queue": {"pollers": 3}}' })
    const { config, file } = await load({ cwd })
    expect(config.queue.pollers).toBe(3)
    expect(file).toBe(join(cwd, name))
  })

  test("goes upward, and the nearest file wins", async () => {
    const root = directoryOf({
      "peppermill.config.yaml": file(2),
      "a/peppermill.config.yaml": file(3),
      "a/b/x": "",
    })
    expect((await load({ cwd: join(root, "a/b") })).config.queue.pollers).toBe(3)
  })

  test("ends in the XDG folder, which a file on the way up beats", async () => {
    const root = directoryOf({
      "xdg/peppermill/config.yaml": file(4),
      "home/.config/peppermill/config.yml": file(5),
    })
    const cwd = directoryOf()
    const env = { XDG_CONFIG_HOME: join(root, "xdg") }
    expect((await load({ cwd, env })).config.queue.pollers).toBe(4)
    expect((await load({ cwd, home: join(root, "home") })).config.queue.pollers).toBe(5)
    writeFileSync(join(cwd, ".peppermillrc"), file(6))
    expect((await load({ cwd, env })).config.queue.pollers).toBe(6)
  })

  test("finds nothing: the defaults are a configuration", async () => {
    const { file, config } = await load()
    expect(file).toBeNull()
    expect(config.batch.rows).toBe(500)
  })

  test.each(["", "# nothing yet\n", "queue:\n# url: x\n", "---\n", "\ufeff"])(
    "an empty file (%j) is found, and says nothing",
    async (text) => {
      const { file, config } = await loadText(text)
      expect(file).toMatch(/peppermill\.config\.yaml$/)
      expect(config.batch.rows).toBe(500)
    },
  )

  test("stops at a file that is there but cannot be read", async () => {
    const cwd = directoryOf({ ".peppermillrc.yaml": file(3) })
    symlinkSync(join(cwd, "gone"), join(cwd, "peppermill.config.yaml"))
    const error = await refusal(load({ cwd }))
    expect(error.message).toBe(`${join(cwd, "peppermill.config.yaml")}: there is no such file`)
  })

  test.runIf(getuid?.() === 0)("stops at a file that somebody else may read and we may not", async () => {
    const cwd = directoryOf({ "peppermill.config.yaml": file(2), ".peppermillrc.yaml": file(3) })
    chownSync(cwd, 54321, 54321)
    process.seteuid?.(54321)
    const error = await refusal(load({ cwd })).finally(() => process.seteuid?.(0))
    expect(error.message).toBe(`${join(cwd, "peppermill.config.yaml")}: may not be read`)
  })

  test("--config names one file and ends the search", async () => {
    const cwd = directoryOf({ "peppermill.config.yaml": file(2), "other.json": '{"queue": {"pollers": 3}}' })
    expect((await load({ cwd, file: "other.json" })).config.queue.pollers).toBe(3)
    expect((await refusal(load({ cwd, file: "gone.yaml" }))).message).toBe("gone.yaml: there is no such file")
    mkdirSync(join(cwd, "folder.yaml"))
    expect((await refusal(load({ cwd, file: "folder.yaml" }))).message).toBe("folder.yaml: is a directory")
    const script = await refusal(load({ cwd, file: "peppermill.config.ts" }))
    expect(script).toMatchObject({
      kind: "config",
      message: "peppermill.config.ts: is not a configuration file",
    })
  })

  test.runIf(getuid?.() === 0)("does not trust a stranger's file above the working directory", async () => {
    const root = directoryOf({ "peppermill.config.yaml": file(2), "a/x": "" })
    chownSync(join(root, "peppermill.config.yaml"), 12345, 12345)
    expect((await refusal(load({ cwd: join(root, "a") }))).message).toMatch(/belongs to another user/)
    expect((await load({ cwd: root })).config.queue.pollers).toBe(2)
    const named = await load({ cwd: join(root, "a"), file: "../peppermill.config.yaml" })
    expect(named.config.queue.pollers).toBe(2)
  })
})

describe("nothing of the working directory is run or obeyed", () => {
  const run = "globalThis.peppermillWasHere = true; module.exports = { loaders: {} }"

  test.each([
    [".config/config.js", run],
    [".config/config.cjs", run],
    [".config/config.mjs", "globalThis.peppermillWasHere = true; export default {}"],
    [".config/config.ts", "globalThis.peppermillWasHere = true; export default {}"],
    [".config/config.json", '{"cosmiconfig": {"searchPlaces": ["evil.json"]}}'],
    [".config/config.yml", "cosmiconfig: {searchPlaces: [evil.json]}"],
    [".config/config.yaml", "cosmiconfig: {searchPlaces: [evil.json]}"],
    [".config/peppermillrc.yaml", "queue: {pollers: 66}"],
    ["package.yaml", "cosmiconfig: {searchPlaces: [evil.json]}\npeppermill: {queue: {pollers: 66}}"],
    [
      "package.json",
      '{"cosmiconfig": {"searchPlaces": ["evil.json"]}, "peppermill": {"queue": {"pollers": 66}}}',
    ],
    ["peppermill.config.js", run],
    ["peppermill.config.ts", run],
    [".peppermillrc.js", run],
    [".peppermillrc.cjs", run],
  ])("a planted %s changes nothing", async (name, text) => {
    const cwd = directoryOf({ [name]: text, "evil.json": '{"queue": {"pollers": 66}}' })
    const before = process.cwd()
    // The factory that we avoid looks into the working directory of the process.
    process.chdir(cwd)
    try {
      const { config, file } = await load({ cwd })
      expect(config.queue.pollers).toBe(32)
      expect(file).toBeNull()
    } finally {
      process.chdir(before)
    }
    expect(globalThis).not.toHaveProperty("peppermillWasHere")
  })

  test("a script in the XDG folder is not run either", async () => {
    const xdg = directoryOf({ "peppermill/config.js": run })
    expect((await load({ env: { XDG_CONFIG_HOME: xdg } })).file).toBeNull()
    expect(globalThis).not.toHaveProperty("peppermillWasHere")
  })

  test("$import is an unknown key", async () => {
    const cwd = directoryOf({ "peppermill.config.yaml": "$import: evil.js\n", "evil.js": run })
    expect((await refusal(load({ cwd }))).message).toBe("peppermill.config.yaml:1:1: unknown key $import")
    expect(globalThis).not.toHaveProperty("peppermillWasHere")
  })
})

describe("a mistake is told with its place", () => {
  test.each([
    ["bach_size: 10", "peppermill.config.yaml:1:1: unknown key bach_size"],
    ["bach: { rows: 10 }", "peppermill.config.yaml:1:1: unknown key bach (did you mean batch?)"],
    [
      "queue:\n  waitSecond: 3",
      "peppermill.config.yaml:2:3: unknown key in queue: waitSecond (did you mean waitSeconds?)",
    ],
    [
      "waitSeconds: 3",
      "peppermill.config.yaml:1:1: unknown key waitSeconds (did you mean queue.waitSeconds?)",
    ],
    [
      "queue:\n  wait_seconds: 3",
      "peppermill.config.yaml:2:3: unknown key in queue: wait_seconds (did you mean waitSeconds?)",
    ],
    ["queue: 3", "peppermill.config.yaml:1:8 queue: must be a map of keys"],
    ["[1]", "peppermill.config.yaml:1:1: must be a map of keys"],
    ["hello", "peppermill.config.yaml:1:1: must be a map of keys"],
    [
      "queue: {pollers: '8'}",
      "peppermill.config.yaml:1:18 queue.pollers: must be a whole number from 1 to 256 (each one is a connection)",
    ],
    [
      "queue:\n  pollers:",
      "peppermill.config.yaml:2:11 queue.pollers: must be a whole number from 1 to 256 (each one is a connection)",
    ],
    [
      "queue: {allowPlainHttp: yes}",
      "peppermill.config.yaml:1:25 queue.allowPlainHttp: must be true or false",
    ],
    ["vault: {recipients: age1x}", "peppermill.config.yaml:1:21 vault.recipients: must be a list"],
    [
      "vault:\n  recipients:\n  - age1x\n  - AGE-SECRET-KEY-1X",
      "peppermill.config.yaml:4:5 vault.recipients.1: must be an age public key, which begins with age1",
    ],
    [
      "vault: {recipients: [age1x, age1x]}",
      "peppermill.config.yaml:1:21 vault.recipients: names a recipient twice",
    ],
    [
      "masking: {keys: {K1: env:A}}",
      "peppermill.config.yaml:1:18 masking.keys.K1: a key's id is a lower-case letter and up to 15 more letters, digits or hyphens",
    ],
    [
      "masking: {activeKey: k2}",
      "peppermill.config.yaml:1:22 masking.activeKey: must be one of masking.keys",
    ],
    ["masking: {keys: {}}", "peppermill.config.yaml:1:17 masking.keys: must name at least one key"],
    [
      "observe: {logLevel: loud}",
      "peppermill.config.yaml:1:21 observe.logLevel: must be one of silent, error, warn, info, debug",
    ],
    [
      "event:\n  fields:\n    user_id: { type: text, mask: 1 }",
      "peppermill.config.yaml:3:34 event.fields.user_id.mask: must be true or false",
    ],
    [
      "event:\n  fields:\n    user_id: { type: text, msk: true }",
      "peppermill.config.yaml:3:28 event.fields.user_id.msk: unknown key msk (did you mean mask?)",
    ],
    ["queue: {pollers: 1, pollers: 2}", "peppermill.config.yaml:1:21: this key stands here twice"],
    ["queue:\n\tpollers: 1", "peppermill.config.yaml:2:1: a tab: indent with spaces"],
    ["queue: 'x", "peppermill.config.yaml:1:10: a quote, bracket, comma or colon is missing"],
    ["queue: {}\n---\nqueue: {}", "peppermill.config.yaml:2:1: a second document begins here"],
    ["? [a]\n: 1", "peppermill.config.yaml:1:3: a key that is not text"],
    ["queue: !!js/function x", "peppermill.config.yaml:1:8: tags are not accepted"],
    ["queue: {url: !!binary aGk=}", "peppermill.config.yaml:1:23 queue.url: must be text"],
    ["__proto__: {queue: {pollers: 1}}", "peppermill.config.yaml:1:1: this key is not accepted"],
    ["constructor: 1", "peppermill.config.yaml:1:1: unknown key constructor"],
    ["queue: {toString: 1}", "peppermill.config.yaml:1:9: unknown key in queue: toString"],
    ["a: &a [x,x]\nb: &b [*a,*a]\nc: &c [*b,*b]", "peppermill.config.yaml:2:8: aliases are not accepted"],
  ])("%j", async (text, message) => {
    const error = await refusal(loadText(text))
    expect(error.message).toBe(message)
    expect(error.kind).toBe("config")
  })

  test("in JSON too", async () => {
    const cwd = directoryOf({ "peppermill.config.json": '{\n\t"queue": {\n\t\t"pollers": 0\n\t}\n}\n' })
    expect((await refusal(load({ cwd }))).message).toMatch(/^peppermill\.config\.json:3:14 queue\.pollers: /)
    const twice = directoryOf({ "peppermill.config.json": '{"queue": {"pollers": 1}, "queue": {}}' })
    expect((await refusal(load({ cwd: twice }))).message).toMatch(/^peppermill\.config\.json:1:27: /)
  })

  test("a file outside the working directory is named in full", async () => {
    const root = directoryOf({ "peppermill.config.yaml": "queues: {}\n", "a/x": "" })
    const error = await refusal(load({ cwd: join(root, "a") }))
    expect(error.message).toBe(
      `${join(root, "peppermill.config.yaml")}:1:1: unknown key queues (did you mean queue?)`,
    )
  })

  test("and all of them at once, a line each", async () => {
    const error = await refusal(
      loadText("queue: { pollers: 0 }\nbach: 1\n", { env: { PEPPERMILL_BATCH_ROWS: "many" } }),
    )
    expect(error.message.split("\n")).toEqual([
      "peppermill.config.yaml:2:1: unknown key bach (did you mean batch?)",
      "PEPPERMILL_BATCH_ROWS: must be a whole number",
      "peppermill.config.yaml:1:19 queue.pollers: must be a whole number from 1 to 256 (each one is a connection)",
    ])
    expect(error.hint).toMatch(/^3 problems/)
  })

  test("of very many, ten and a count", async () => {
    const text = Array.from({ length: 40 }, (_, index) => `x${index}: 1\n`).join("")
    const lines = (await refusal(loadText(text))).message.split("\n")
    expect(lines).toHaveLength(11)
    expect(lines.at(-1)).toBe("and 30 more")
  })

  test("an unknown key cannot drive the terminal, nor flood it", async () => {
    const { message } = await refusal(loadText(`"\\e]0;x\\a${"y".repeat(200)}": 1\n`))
    expect(message).toMatch(/^peppermill\.config\.yaml:1:1: unknown key \\x1b\]0;x\\x07y{20,60}…$/)
  })

  test.each([
    ["deep brackets", "[".repeat(30_000)],
    ["deep maps", "{a: ".repeat(7_500)],
    [
      "a chain of doubling anchors",
      Array.from({ length: 60 }, (_, i) => `k${i}: &k${i} [*k${i - 1}, *k${i - 1}]`)
        .join("\n")
        .replace("[*k-1, *k-1]", "[x]"),
    ],
    ["a megabyte of keys", "a: b\n".repeat(200_000)],
  ])("%s end soon", async (_, text) => {
    const begun = performance.now()
    const error = await refusal(loadText(text))
    expect(error.kind).toBe("config")
    expect(error.message.length).toBeLessThan(2_000)
    expect(performance.now() - begun).toBeLessThan(5_000)
  })
})

describe("a warning is given for", () => {
  test("a variable that looks like ours", async () => {
    const { warnings } = await load({ env: { PEPPERMILL_QEUE_URL: "x", PEPPERMILL: "x", PATH: "/" } })
    expect(warnings).toEqual([
      "unknown variable PEPPERMILL_QEUE_URL (did you mean PEPPERMILL_QUEUE_URL?); it changes nothing",
    ])
  })

  test("but not for one that a reference names", async () => {
    const env = { PEPPERMILL_MASK_KEY: "x", PEPPERMILL_DB: "x", PEPPERMILL_DATABASE_URL: "env:PEPPERMILL_DB" }
    expect((await load({ env })).warnings).toEqual([])
  })

  test("a database password in a file that others can read", async () => {
    const text = "database: { url: 'postgres://u:HUNTER2@127.0.0.1/d' }\n"
    expect((await loadText(text)).warnings).toEqual([])
    const cwd = directoryOf()
    writeFileSync(join(cwd, ".peppermillrc"), text, { mode: 0o644 })
    const { warnings } = await load({ cwd })
    expect(warnings).toEqual([expect.stringMatching(/holds the database's password, and others can read it/)])
    expect(warnings.join()).not.toContain("HUNTER2")
    const other = { PEPPERMILL_DATABASE_URL: "postgres://u:p@127.0.0.1/d" }
    expect((await load({ cwd, env: other })).warnings).toEqual([])
  })

  test.each([
    [{ PEPPERMILL_QUEUE_VISIBILITY_SECONDS: "300" }, /drain\.timeoutSeconds is shorter/],
    [{ PEPPERMILL_QUEUE_VISIBILITY_SECONDS: "5" }, /visibilitySeconds is below 10/],
    [
      { PEPPERMILL_QUEUE_VISIBILITY_SECONDS: "12", PEPPERMILL_BATCH_LINGER_MS: "4000" },
      /lingerMs is over a third/,
    ],
    [{ PEPPERMILL_BATCH_IN_FLIGHT: "5" }, /inFlight is above database\.poolSize/],
  ])("numbers that do not fit together: %j", async (env, warning) => {
    expect((await load({ env })).warnings).toEqual([expect.stringMatching(warning)])
  })
})

test("reading leaves no trace: the same options give the same answer", async () => {
  const cwd = directoryOf({ ".peppermillrc": "queue: {pollers: 3}" })
  const first = await load({ cwd })
  expect(await load({ cwd })).toEqual(first)
  rmSync(join(cwd, ".peppermillrc"))
  expect((await load({ cwd })).file).toBeNull()
})

test("a file without an end is refused, not read", async () => {
  const cwd = directoryOf({ "large.yaml": "#".repeat(1_100_000) })
  symlinkSync("/dev/zero", join(cwd, "zero.yaml"))
  for (const file of ["zero.yaml", "large.yaml"]) {
    expect(await refusal(load({ cwd, file }))).toMatchObject({ kind: "config" })
  }
  symlinkSync("/dev/zero", join(cwd, "peppermill.config.yaml"))
  expect((await refusal(load({ cwd }))).message).toContain("not a plain file")
})
