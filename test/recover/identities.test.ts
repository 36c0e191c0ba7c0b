import { spawnSync } from "node:child_process"
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { inspect } from "node:util"
import { armor, Encrypter, generateHybridIdentity, generateX25519Identity } from "age-encryption"
import { afterAll, describe, expect, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import { parseIdentities, readIdentities } from "../../src/recover/identities.ts"
import { CANARIES, finderOf } from "../canaries.ts"

const classic = await generateX25519Identity()
const hybrid = await generateHybridIdentity()

const folder = mkdtempSync(join(tmpdir(), "peppermill-identities-"))
afterAll(() => rmSync(folder, { recursive: true }))

let count = 0
function file(content: string | Uint8Array, mode = 0o600): string {
  const path = join(folder, `identity-${count++}.txt`)
  writeFileSync(path, content)
  chmodSync(path, mode)
  return path
}

async function locked(content: string, passphrase: string): Promise<Uint8Array> {
  const encrypter = new Encrypter()
  encrypter.setPassphrase(passphrase)
  encrypter.setScryptWorkFactor(10)
  return encrypter.encrypt(content)
}

const bytes = (text: string) => new Uint8Array(Buffer.from(text))
const failure = (attempt: Promise<unknown>) =>
  attempt.then(
    () => null,
    (error: unknown) => error,
  )

describe("an identity file", () => {
  test("holds several identities of both kinds, comments and empty lines, in any line ending", async () => {
    const text = `# created: 2026-01-31\n# public key: age1…\r\n\n${classic}\r\n\t\n${hybrid}`
    expect(await readIdentities(file(text))).toEqual([classic, hybrid])
  })

  test.each([0o644, 0o640, 0o604, 0o660, 0o601])("that others can use (mode %o) is refused", async (mode) => {
    const path = file(classic, mode)
    expect(await failure(readIdentities(path))).toMatchObject({
      kind: "permission",
      message: expect.stringContaining(path),
      hint: `chmod 600 ${path}`,
    })
  })

  test.each([0o600, 0o400, 0o700])("closed to others (mode %o) is read", async (mode) => {
    expect(await readIdentities(file(classic, mode))).toEqual([classic])
  })

  test.runIf(existsSync("/proc/self/fd"))("is not left open, read or refused", async () => {
    for (const path of [file(classic), file(classic, 0o644), file("nothing")]) {
      await readIdentities(path).catch(() => {})
      const opened = readdirSync("/proc/self/fd").map((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`)
        } catch {
          return null
        }
      })
      expect(opened).not.toContain(path)
    }
  })

  test("that is missing, a folder or too large is refused by name", async () => {
    expect(await failure(readIdentities(join(folder, "nowhere")))).toMatchObject({
      kind: "config",
      message: expect.stringMatching(/nowhere cannot be read: ENOENT/),
      cause: { code: "ENOENT" },
    })
    const directory = join(folder, "folder")
    mkdirSync(directory, { mode: 0o700 })
    expect(await failure(readIdentities(directory))).toMatchObject({
      kind: "config",
      message: expect.stringMatching(/cannot be read: EISDIR/),
    })
    const sized = (size: number) => file(`${classic}\n#`.padEnd(size, "x"))
    expect(await readIdentities(sized(65_536))).toEqual([classic])
    expect(await failure(readIdentities(sized(65_537)))).toMatchObject({
      kind: "config",
      message: expect.stringContaining("larger than 64 kB"),
    })
  })

  test.each([
    ["nothing", "", "holds no age identity"],
    ["comments only", "# a\n# b\n", "holds no age identity"],
    ["a recipient", "\n\nage1qqqqqqq", ":3: is a recipient"],
    ["a plugin's identity", "AGE-PLUGIN-YUBIKEY-1QQPQ", ":1: is an identity for an age plugin"],
    ["a password", "# mine\nhunter2hunter2", ":2: is not an age identity"],
    [
      "a wrong character",
      classic.replace(/.$/, (last) => (last === "Q" ? "P" : "Q")),
      ":1: is not a valid age identity",
    ],
    ["a character missing", `${classic}\n${hybrid.slice(0, -1)}`, ":2: is not a valid age identity"],
    ["lower case", classic.toLowerCase(), ":1: is not an age identity"],
  ])("with %s is refused: file and line are named, the text is not quoted", async (_, text, message) => {
    const error = await failure(parseIdentities(bytes(text), "identity.txt"))
    expect(error).toBeInstanceOf(UserError)
    expect(error).toMatchObject({
      kind: "config",
      hint: expect.stringContaining("age-keygen"),
      message: expect.stringContaining(`identity.txt${message.startsWith(":") ? "" : " "}${message}`),
    })
    const secret = text.split("\n").at(-1)?.slice(-14) ?? ""
    if (secret.length > 5) expect(inspect(error, { depth: 9 })).not.toContain(secret)
    // What scans logs for identities, as our tests do, takes nothing here for one.
    expect(finderOf(CANARIES)(inspect(error, { depth: 9 }))).toEqual([])
  })
})

describe("an identity file with a passphrase", () => {
  test("opens with it, binary or armored", async () => {
    const binary = await locked(`# mine\n${classic}\n`, "correct horse")
    for (const content of [binary, bytes(armor.encode(binary)), bytes(`\n${armor.encode(binary)}`)]) {
      expect(await readIdentities(file(content), async () => "correct horse")).toEqual([classic])
    }
  })

  test("asks only when there is something to open", async () => {
    let asked = 0
    const ask = async () => {
      asked++
      return "correct horse"
    }
    await readIdentities(file(classic), ask)
    expect(asked).toBe(0)
    await readIdentities(file(await locked(classic, "correct horse")), ask)
    expect(asked).toBe(1)
  })

  test("stays closed to a wrong passphrase, damage, and when there is nobody to ask", async () => {
    const content = await locked(classic, "correct horse")
    const wrong = await failure(parseIdentities(content, "identity.age", async () => "wrong horse"))
    expect(wrong).toMatchObject({
      kind: "permission",
      message: expect.stringContaining("identity.age"),
      hint: expect.stringContaining("age -p"),
    })
    expect(inspect(wrong, { depth: 9 })).not.toContain("wrong horse")
    const damaged = await failure(
      parseIdentities(content.slice(0, -1), "identity.age", async () => "correct horse"),
    )
    expect(damaged).toMatchObject({ kind: "permission" })
    const cut = armor.encode(content).slice(0, -40)
    expect(await failure(parseIdentities(bytes(cut), "a", async () => "correct horse"))).toMatchObject({
      kind: "permission",
    })
    expect(await failure(parseIdentities(content, "identity.age"))).toMatchObject({
      kind: "config",
      message: expect.stringContaining("nobody to ask"),
      hint: expect.stringContaining("on a terminal"),
    })
  })

  test("that has no identity inside is refused without showing what is", async () => {
    const content = await locked("my diary entry", "correct horse")
    const error = await failure(parseIdentities(content, "identity.age", async () => "correct horse"))
    expect(error).toMatchObject({
      kind: "config",
      message: expect.stringContaining("identity.age:1: is not an age identity"),
    })
    expect(inspect(error, { depth: 9 })).not.toContain("diary")
  })
})

test("reads what age-keygen writes", async (context) => {
  const path = join(folder, "keygen.txt")
  const keygen = spawnSync("age-keygen", ["-o", path])
  if (keygen.error !== undefined) context.skip("age-keygen is not installed")
  expect(await readIdentities(path)).toEqual([expect.stringMatching(/^AGE-SECRET-KEY-1/)])
})
