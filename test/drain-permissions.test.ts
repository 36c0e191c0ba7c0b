import { expect, test } from "vitest"
import type { DatabaseAddress } from "../src/config/database-address.ts"
import { loadConfig } from "../src/config/load.ts"
import { drainPermissions } from "../src/drain-permissions.ts"

const KEYS = { AWS_ACCESS_KEY_ID: "test", AWS_SECRET_ACCESS_KEY: "test" }
const SERVER = { kind: "postgres" } as DatabaseAddress
const FOLDER: DatabaseAddress = { kind: "pglite", directory: "/data" }
const MEMORY: DatabaseAddress = { kind: "pglite", directory: null }

async function permissions(env: Record<string, string>, database = SERVER) {
  const { config } = await loadConfig({ cwd: "/", env })
  return drainPermissions({ config, env }, database)
}

test("a drain whose credentials cannot change reads no file any more", async () => {
  expect(await permissions(KEYS)).toEqual(["net"])
  expect(await permissions({ ...KEYS, PEPPERMILL_DATABASE_URL: "env:URL" })).toEqual(["net"])
  expect(await permissions(KEYS, MEMORY)).toEqual(["net"])
})

test.each([
  ["AWS credentials come from elsewhere", {}],
  ["a profile goes before the variables", { ...KEYS, AWS_PROFILE: "work" }],
  ["half a pair is none", { AWS_ACCESS_KEY_ID: "test" }],
  ["the database's password is in a file", { ...KEYS, PEPPERMILL_DATABASE_URL: "file:/run/url" }],
  ["the queue has authorities of its own", { ...KEYS, PEPPERMILL_QUEUE_CA_FILE: "/ca.pem" }],
  ["the database has", { ...KEYS, PEPPERMILL_DATABASE_CA_FILE: "/ca.pem" }],
  ["the secrets have", { ...KEYS, PEPPERMILL_SECRETS_CA_FILE: "/ca.pem" }],
])("it keeps that where %s", async (_why, env) => {
  expect(await permissions(env)).toEqual(["fs.read", "net"])
})

test("only an embedded database in a folder is written to", async () => {
  expect(await permissions(KEYS, FOLDER)).toEqual(["fs.read", "fs.write", "net"])
})
