import { generateKeyPairSync } from "node:crypto"
import { inspect } from "node:util"
import { describe, expect, test } from "vitest"
import { CHAIN_START } from "../../src/audit/chain.ts"
import { createCheckpointKeys, readCheckpoint, signCheckpoint } from "../../src/audit/checkpoint.ts"

const keys = createCheckpointKeys()
const checkpoint = { size: 12, head: new Uint8Array(32).fill(0xab), atMs: 1_700_000_000_123 }
const file = signCheckpoint(checkpoint, keys.privateKey)

// A key for these tests only. Ed25519 signs the same bytes the same way, so the file is frozen.
const FROZEN_KEY =
  "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f\n-----END PRIVATE KEY-----\n"

describe("a checkpoint", () => {
  test("comes back from its file with the public key", () => {
    expect(readCheckpoint(file, keys.publicKey)).toEqual(checkpoint)
  })

  test("is one line of JSON, frozen", () => {
    expect(signCheckpoint(checkpoint, FROZEN_KEY)).toBe(
      '{"schema":1,"size":12,"head":"abababababababababababababababababababababababababababababababab",' +
        '"at":"2023-11-14T22:13:20.123Z","signature":' +
        '"6okzz3SfDqEnVInBuVhvVYPi4o1FEWe1gIiX4A+ayCgkc8x81F3X5Q6Rm+lPaC8m9awitoWEPebvT4is2YugAA=="}\n',
    )
  })

  test("of an empty chain is one too", () => {
    const empty = { size: 0, head: CHAIN_START, atMs: 0 }
    expect(readCheckpoint(signCheckpoint(empty, keys.privateKey), keys.publicKey)).toEqual(empty)
  })

  test("signed by another key is nothing", () => {
    expect(readCheckpoint(file, createCheckpointKeys().publicKey)).toBeNull()
  })

  test("with any character changed, added or taken away is nothing", () => {
    for (let at = 0; at < file.length; at++) {
      const changed = file[at] === "1" ? "2" : "1"
      for (const text of [
        file.slice(0, at) + changed + file.slice(at + 1),
        file.slice(0, at) + file.slice(at + 1),
        `${file.slice(0, at)} ${file.slice(at)}`,
      ]) {
        expect(readCheckpoint(text, keys.publicKey)).toBeNull()
      }
    }
  })

  test.each([
    ["nothing", ""],
    ["no JSON", "checkpoint"],
    ["null", "null\n"],
    ["a list", "[]\n"],
    ["a later schema", file.replace('"schema":1', '"schema":2')],
    ["a word more", file.replace("}", ',"note":"hello"}')],
    ["a size that is text", file.replace('"size":12', '"size":"12"')],
    ["a negative size", file.replace('"size":12', '"size":-12')],
    ["upper case hex", file.replace("abab", "ABAB")],
    ["no signature", file.replace(/,"signature":"[^"]*"/, "")],
    ["an empty signature", file.replace(/"signature":"[^"]*"/, '"signature":""')],
  ])("in a file with %s is nothing", (_, text) => {
    expect(readCheckpoint(text, keys.publicKey)).toBeNull()
  })

  test.each([
    [
      "an RSA key",
      generateKeyPairSync("rsa", { modulusLength: 2048 })
        .privateKey.export({ type: "pkcs8", format: "pem" })
        .toString(),
    ],
    ["a public key", keys.publicKey],
    ["an empty text", ""],
    ["a PEM cut short", keys.privateKey.slice(0, 60)],
  ])("is not signed with %s, and the error does not quote it", (_, key) => {
    const attempt = () => signCheckpoint(checkpoint, key)
    expect(attempt).toThrow(expect.objectContaining({ kind: "config" }))
    try {
      attempt()
    } catch (error) {
      if (key !== "") expect(inspect(error, { depth: 9 })).not.toContain(key.slice(30, 60))
    }
  })

  test("is not read with a key that is none", () => {
    expect(() => readCheckpoint(file, "nonsense")).toThrow(expect.objectContaining({ kind: "config" }))
  })

  test("needs a head of 32 bytes", () => {
    expect(() => signCheckpoint({ ...checkpoint, head: new Uint8Array(31) }, keys.privateKey)).toThrow(
      "31 bytes",
    )
  })
})
