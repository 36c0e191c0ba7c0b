import { inspect } from "node:util"
import { describe, expect, test } from "vitest"
import { drainEnv } from "./binary.ts"
import { CANARIES, finderOf, formsOf, search } from "./canaries.ts"
import { createDatabase } from "./database.ts"
import { MASK_KEY } from "./recover/setup.ts"
import { login } from "./shape.ts"
import { createIdentity } from "./vault/keys.ts"

const VALUE = 'p@ss "word"/+\\ 12345'

test.each<[string, (text: string) => string]>([
  ["as it is", (text) => text],
  ["in JSON", (text) => JSON.stringify({ text })],
  ["in JSON in JSON", (text) => JSON.stringify(JSON.stringify({ text }))],
  ["in hex", (text) => `\\x00${Buffer.from(text).toString("hex")}ff`],
  ["in upper-case hex", (text) => Buffer.from(text).toString("hex").toUpperCase()],
  ["in base64", (text) => Buffer.from(text).toString("base64")],
  ["in base64, one byte further on", (text) => Buffer.from(`x${text}y`).toString("base64")],
  ["in base64, two bytes further on", (text) => Buffer.from(`xx${text}yyy`).toString("base64")],
  ["in base64url", (text) => Buffer.from(`xx${text}??`).toString("base64url")],
  ["URL-encoded", (text) => `postgres://u:${encodeURIComponent(text)}@host`],
  ["URL-encoded byte for byte", (text) => Buffer.from(text).toString("hex").replace(/../g, "%$&")],
  ["in UTF-16", (text) => Buffer.from(text, "utf16le").toString("latin1")],
])("a value is found %s", (_how, disguise) => {
  const caught = { channel: "here", from: "there", text: `before ${disguise(VALUE)} after` }
  expect(search([caught], { password: [VALUE] })).toEqual(["password in here of there"])
  expect(search([caught], { password: [VALUE] }, () => true)).toEqual([])
  expect(search([caught], { password: ["another value"] })).toEqual([])
})

test.each<[string, (key: Buffer) => string]>([
  ["in base64", (key) => key.toString("base64")],
  ["in base64, behind other bytes", (key) => Buffer.concat([Buffer.from("x"), key]).toString("base64")],
  ["as Node shows bytes", (key) => inspect(key)],
  ["as a text of numbers", (key) => `${new Uint8Array(key)}`],
  ["in JSON", (key) => JSON.stringify({ key })],
  ["in JSON, as other arrays of bytes", (key) => JSON.stringify({ key: new Uint8Array(key) })],
])("a key is found by its bytes %s", (_how, write) => {
  const key = CANARIES.maskKey[0]
  expect(finderOf({ key: [key] })(write(Buffer.from(key, "hex")))).toEqual(["key"])
})

test("no form is so short that it is met by chance", () => {
  for (const form of formsOf("198.51.100.213")) expect(form.length).toBeGreaterThanOrEqual(12)
  for (const value of Object.values(CANARIES).flat()) {
    for (const form of formsOf(value)) expect(form.length, form).toBeGreaterThanOrEqual(7)
  }
})

describe("what most tests are made of carries canaries", () => {
  const find = finderOf(CANARIES)

  test("a login", () => {
    expect(find(login())).toEqual(["address", "device", "unnamedKey"])
  })

  test("what a drain is given, on a database and as a user of the tests", async () => {
    await using database = await createDatabase()
    const { url } = await database.login("peppermill_writer")
    const env = drainEnv({ url: "", region: "" }, url)
    expect(find(Object.values(env).join("\n"))).toEqual(["maskKey", "databasePassword", "awsSecret"])
    if (process.env["TEST_DATABASE_URL"] === undefined)
      expect(find(database.url)).toEqual(["databasePassword"])
  })

  test("an identity, and the key of the recovery's tests", async () => {
    expect(find((await createIdentity()).identity)).toEqual(["identity"])
    expect(find(Buffer.from(MASK_KEY.bytes).toString("hex"))).toEqual(["maskKey"])
  })
})
