import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { armor, Encrypter } from "age-encryption"
import { afterAll, beforeAll, expect, test } from "vitest"
import { openIdentities } from "../../src/cli/identity.ts"
import type { Io } from "../../src/io.ts"
import { createIdentity } from "../vault/keys.ts"

let folder: string
let identity: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "peppermill-identity-"))
  identity = (await createIdentity()).identity
  await writeFile(join(folder, "vault.key"), identity, { mode: 0o600 })
  await writeFile(join(folder, "protected.key"), await protect(identity), { mode: 0o600 })
})

afterAll(() => rm(folder, { recursive: true }))

async function protect(text: string): Promise<string> {
  const encrypter = new Encrypter()
  encrypter.setPassphrase("correct horse")
  encrypter.setScryptWorkFactor(10)
  return armor.encode(await encrypter.encrypt(text))
}

const io = (stdinIsTerminal: boolean) => ({ cwd: folder, stdinIsTerminal }) as Io

const SECRETS: Readonly<Record<string, () => Promise<string>>> = {
  "aws-sm:vault#identity": async () => identity,
  "env:PROTECTED": () => protect(identity),
}

const secrets = { read: async (reference: string) => (await SECRETS[reference]?.()) ?? "" }

const ask = (answer: string) => async () => answer

test.each(["vault.key", "aws-sm:vault#identity"])("an identity is read from %s", async (option) => {
  expect(await openIdentities(io(false), secrets, option)).toEqual([identity])
})

test("an absolute file: reference is a file like any other", async () => {
  expect(await openIdentities(io(false), secrets, `file:${join(folder, "vault.key")}`)).toEqual([identity])
})

test.each(["protected.key", "env:PROTECTED"])(
  "the passphrase of %s is asked for on a terminal",
  async (option) => {
    expect(await openIdentities(io(true), secrets, option, ask("correct horse"))).toEqual([identity])
    await expect(openIdentities(io(true), secrets, option, ask("wrong"))).rejects.toThrow(
      "the passphrase does not open it",
    )
    await expect(openIdentities(io(false), secrets, option, ask("correct horse"))).rejects.toThrow(
      "nobody to ask",
    )
  },
)
