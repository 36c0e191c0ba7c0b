import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { generateHybridIdentity, generateX25519Identity, identityToRecipient } from "age-encryption"
import { describe, expect, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import { unwrapDataKey } from "../../src/recover/open.ts"
import { createDataKey, dataKeyId, MAX_SEALS, wrap } from "../../src/vault/data-key.ts"
import { checkRecipients } from "../../src/vault/recipients.ts"
import { createIdentity } from "./keys.ts"

const LONG = process.env["PEPPERMILL_TEST_LONG"] === "1"
const KEY = new Uint8Array(32).map((_, index) => index)

const classic = await createIdentity()
const hybridIdentity = await generateHybridIdentity()
const hybrid = { identity: hybridIdentity, recipient: await identityToRecipient(hybridIdentity) }

describe("a data key", () => {
  test("unwraps for every recipient, post-quantum ones too, and for nobody else", async () => {
    const dataKey = await createDataKey([classic.recipient, hybrid.recipient])
    for (const { identity } of [classic, hybrid]) {
      const key = await unwrapDataKey(dataKey.wrapped, [identity])
      expect(key && dataKeyId(key)).toEqual(dataKey.id)
    }
    expect(await unwrapDataKey(dataKey.wrapped, [await generateX25519Identity()])).toBeNull()
    expect(await unwrapDataKey(dataKey.wrapped, [await generateHybridIdentity()])).toBeNull()
  })

  test("is another one each time", async () => {
    const ids = await Promise.all(
      [1, 2, 3].map(async () => (await createDataKey([classic.recipient])).id.join()),
    )
    expect(new Set(ids).size).toBe(3)
  })

  test("shows its bytes to nobody who prints, lists or serializes it", async () => {
    const dataKey = await createDataKey([classic.recipient])
    const key = (await unwrapDataKey(dataKey.wrapped, [classic.identity])) as Uint8Array
    const shown = inspect(dataKey, { depth: 9, showHidden: true }) + JSON.stringify(dataKey)
    expect(shown).not.toContain([...key.slice(0, 8)].join(", "))
    expect(shown).not.toContain([...key.slice(0, 8)].join(","))
    expect(shown).not.toContain(Buffer.from(key).toString("hex"))
  })

  test("counts its seals, and once dropped makes no more", async () => {
    const dataKey = await createDataKey([classic.recipient])
    dataKey.encrypt(new Uint8Array(), new Uint8Array())
    dataKey.encrypt(new Uint8Array(), new Uint8Array())
    expect(dataKey.seals).toBe(2)
    dataKey.drop()
    expect(() => dataKey.encrypt(new Uint8Array(), new Uint8Array())).toThrow("dropped")
    expect(dataKey.seals).toBe(2)
  })

  test.runIf(LONG)(
    "refuses after 2^20 seals (long form)",
    async () => {
      const dataKey = await createDataKey([classic.recipient])
      for (let seals = 0; seals < MAX_SEALS; seals++) dataKey.encrypt(new Uint8Array(), new Uint8Array())
      expect(() => dataKey.encrypt(new Uint8Array(), new Uint8Array())).toThrow("1048576 seals")
    },
    300_000,
  )

  test("is wrapped anew for other recipients without touching what it sealed", async () => {
    const newcomer = await createIdentity()
    const rewrapped = await wrap(KEY, [classic.recipient, newcomer.recipient])
    expect(await unwrapDataKey(rewrapped, [newcomer.identity])).toEqual(KEY)
  })

  test("of another length is not wrapped", async () => {
    await expect(wrap(KEY.slice(1), [classic.recipient])).rejects.toThrow("31 bytes instead of 32")
  })
})

describe("recipients are checked strictly, and never quoted", () => {
  const broken = classic.recipient.replace(/.$/, (last) => (last === "q" ? "p" : "q"))
  const upper = classic.recipient.toUpperCase()

  test("good ones pass", () => {
    expect(() => checkRecipients([classic.recipient, hybrid.recipient])).not.toThrow()
  })

  test.each([
    ["no recipient", [], "vault.recipients is empty"],
    ["the same twice", [classic.recipient, classic.recipient], "entry 2 is there twice"],
    ["an empty entry", [""], "entry 1 is not an age recipient"],
    ["blanks around it", [` ${classic.recipient}`], "entry 1 has blanks around it"],
    ["an identity", [classic.identity], "entry 1 is an identity, a private key"],
    ["an identity in lower case", [classic.identity.toLowerCase()], "entry 1 is an identity, a private key"],
    [
      "a post-quantum identity",
      [classic.recipient, hybrid.identity],
      "entry 2 is an identity, a private key",
    ],
    ["a wrong character", [broken], "entry 1 is not a valid age recipient"],
    ["a character missing", [classic.recipient.slice(0, -1)], "entry 1 is not a valid age recipient"],
    [
      "a post-quantum one cut short",
      [hybrid.recipient.slice(0, 500)],
      "entry 1 is not a valid age recipient",
    ],
    ["upper case", [upper], "entry 1 is not an age recipient"],
    [
      "a hardware tag",
      ["age1tag1qgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqydpmt7j"],
      "hardware key",
    ],
    [
      "a plugin",
      ["age1yubikey1qgqkeyuw6fj0ayqpzepedm0kkj3ckzcjlhvcj5qx2zv7l"],
      "is not a valid age recipient",
    ],
    ["what only holds the name of one", ["my-ssh-key"], "is not an age recipient"],
    ["an SSH key", ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ"], "is an SSH key"],
    ["a passphrase", ["correct horse battery staple"], "is not an age recipient"],
  ])("%s is refused", async (_, recipients, message) => {
    const error = await createDataKey(recipients).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(UserError)
    expect(error).toMatchObject({
      kind: "config",
      message: expect.stringContaining(message),
      hint: expect.stringContaining("age-keygen"),
    })
    for (const recipient of recipients.filter((text) => text !== "")) {
      expect(inspect(error, { depth: 9 })).not.toContain(recipient.trim())
    }
  })

  test("a key on which no secret can be agreed is refused when wrapping", async () => {
    // 32 zero bytes in Bech32: well-formed, but every shared secret would be zero.
    const zero = "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqq5cu47z"
    await expect(createDataKey([zero])).rejects.toMatchObject({
      kind: "config",
      message: expect.stringContaining("cannot be encrypted to"),
      hint: expect.stringContaining("age-keygen"),
      cause: expect.any(Error),
    })
  })
})

describe("stock age", () => {
  const age = spawnSync("age", ["--version"], { encoding: "utf8" })

  test("opens a wrapped key: no lock-in to us", async (context) => {
    if (age.status !== 0) context.skip("age is not installed")
    const other = await createIdentity()
    const wrapped = await wrap(KEY, [other.recipient, classic.recipient])
    const folder = mkdtempSync(join(tmpdir(), "peppermill-age-"))
    try {
      writeFileSync(join(folder, "identity.txt"), `# mine\n${classic.identity}\n`, { mode: 0o600 })
      writeFileSync(join(folder, "key.age"), wrapped)
      const opened = execFileSync("age", ["--decrypt", "-i", "identity.txt", "key.age"], { cwd: folder })
      expect(new Uint8Array(opened)).toEqual(KEY)
    } finally {
      rmSync(folder, { recursive: true })
    }
  })

  test("wraps keys that recover unwraps", async (context) => {
    if (age.status !== 0) context.skip("age is not installed")
    const wrapped = execFileSync("age", ["--encrypt", "-r", classic.recipient], { input: KEY })
    expect(await unwrapDataKey(new Uint8Array(wrapped), [classic.identity])).toEqual(KEY)
  })
})
