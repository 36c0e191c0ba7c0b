import { expect, test } from "vitest"
import { formsOf, search } from "./canaries.ts"

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

test("no form is so short that it is met by chance", () => {
  for (const form of formsOf("198.51.100.213")) expect(form.length).toBeGreaterThanOrEqual(12)
})
