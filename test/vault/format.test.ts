import { execFileSync, spawnSync } from "node:child_process"
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterAll, expect, type TestContext, test } from "vitest"
import type { Token } from "../../src/mask/token.ts"
import type { WrappedDataKey } from "../../src/sink/sink.ts"
import { createVault } from "../../src/vault/vault.ts"
import { createIdentity } from "./keys.ts"
import { LOGIN_SHAPE } from "./login-shape.ts"
import vectors from "./vectors.json" with { type: "json" }

const page = readFileSync(resolve(import.meta.dirname, "../../VAULT-FORMAT.md"), "utf8")
const folder = mkdtempSync(join(tmpdir(), "peppermill-format-"))
afterAll(() => rmSync(folder, { recursive: true }))

const script = join(folder, "open.py")
writeFileSync(script, /```python\n(.*?)```/s.exec(page)?.[1] ?? "")

test("a stranger opens a row with stock age and the page's script", async (context) => {
  requirePython(context)
  if (spawnSync("age", ["--version"]).status !== 0) context.skip("age is not installed")
  const { identity, recipient } = await createIdentity()
  const stored: WrappedDataKey[] = []
  const storeDataKey = async (key: WrappedDataKey) => void stored.push(key)
  const vault = createVault({ recipients: [recipient], shape: LOGIN_SHAPE, storeDataKey })
  await vault.ready()
  const token = `k1:${"0f".repeat(32)}` as Token
  const [original] = vault.sealOriginals("u-\u{1f600}", [{ field: "ip", token, value: "203.0.113.9\n" }])
  const reject = vault.sealReject(
    { id: "m-1", body: "{\u00e9", sentAtMs: 5 },
    { reason: "not-json", field: "$" },
  )
  vault.close()

  writeFileSync(join(folder, "identity.txt"), identity, { mode: 0o600 })
  writeFileSync(join(folder, "key.age"), stored[0]?.wrapped ?? "")
  const age = ["--decrypt", "-i", "identity.txt", "-o", "key", "key.age"]
  execFileSync("age", age, { cwd: folder })
  const [id, key] = [hex(stored[0]?.id), join(folder, "key")]
  const bound = ["user_logins", "u-\u{1f600}", "ip", token]
  expect(open(key, id, hex(original?.sealed), "original", ...bound)).toBe("203.0.113.9\n")
  expect(open(key, id, hex(reject.sealed), "reject", reject.messageId, "5", "not-json", "$")).toBe("{\u00e9")
}, 120_000)

test("the page's script opens golden vectors and refuses defects", (context) => {
  requirePython(context)
  const key = join(folder, "vector-key")
  // Each takes a process, which is slow: some of the golden ones, and one defect of each kind it checks, will do.
  const names = ["ipv4", "same value, other data key", "subject of astral characters", "reject, named field"]
  const golden = vectors.golden.filter(({ name }) => names.includes(name))
  expect(golden).toHaveLength(names.length)
  for (const { key: bytes, dataKeyId, sealed, kind, items, value } of golden) {
    writeFileSync(key, Buffer.from(bytes, "hex"))
    expect(open(key, dataKeyId, sealed, kind, ...items)).toBe(value)
  }
  const oneOfEach = new Map(vectors.defects.map((defect) => [defect.expect, defect]))
  oneOfEach.delete("utf8")
  expect([...oneOfEach.keys()].sort()).toEqual(["key-id", "short", "tag", "version"])
  for (const { key: bytes, dataKeyId, sealed, kind, items } of oneOfEach.values()) {
    writeFileSync(key, Buffer.from(bytes, "hex"))
    expect(spawnSync("python3", [script, key, dataKeyId, sealed, kind, ...items]).status).toBe(1)
  }
}, 120_000)

function requirePython(context: TestContext): void {
  const python = spawnSync("python3", ["-c", "import cryptography"])
  if (python.status !== 0) context.skip("python3 with the package cryptography is not installed")
}

function open(...args: string[]): string {
  return execFileSync("python3", [script, ...args], { encoding: "utf8" })
}

function hex(bytes: Uint8Array | undefined): string {
  return Buffer.from(bytes ?? []).toString("hex")
}
