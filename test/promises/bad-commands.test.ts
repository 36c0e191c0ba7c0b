import { createHash, generateKeyPairSync } from "node:crypto"
import { createReadStream } from "node:fs"
import { copyFile, mkdtemp, open, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from "vitest"
import { unwrapDataKey } from "../../src/recover/open.ts"
import { seal } from "../../src/vault/seal.ts"
import { BINARY, type Ended, fromShell, peppermill, type RunOptions } from "../binary.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { MASK_KEY } from "../recover/setup.ts"
import { openWriter, type Writer } from "../recover/writer.ts"
import { knownDataKey } from "../vault/keys.ts"
import { catalogueOf } from "./catalogue.ts"
import { LONG, report } from "./report.ts"
import { endedWell, hasNone, openScene, outsideTheVault, summaryOf, tellTales } from "./scene.ts"

const ROOT = resolve(import.meta.dirname, "../..")
const KEY = Buffer.from(MASK_KEY.bytes).toString("hex")
const ROLES = ["recoverer", "approver", "auditor"] as const

let folder: string
let database: TestDatabase
let writer: Writer
let urls: Readonly<Record<string, string>>

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "peppermill-commands-"))
  database = await createDatabase()
  const logins: Record<string, string> = {}
  for (const role of ROLES) logins[role] = (await database.login(`peppermill_${role}`)).url
  logins["both"] = (await database.login("peppermill_recoverer", "peppermill_approver")).url
  urls = logins
})

// Every test has two people in the vault, and rights as new.
beforeEach(async () => {
  await database.query(
    `delete from vault.originals; delete from user_logins;
     update vault.policy set approvals = 0, rows_per_hour = 1000, ttl_minutes = 15`,
  )
  writer = await openWriter(database)
  await writer.write(...tellTales(2))
  await writer[Symbol.asyncDispose]()
  await rm(join(folder, "vault.key"), { force: true })
  await writeFile(join(folder, "vault.key"), `${writer.identity}\n`, { mode: 0o600 })
})

afterAll(async () => {
  await rm(folder, { recursive: true })
  await database.drop()
})

async function run(args: readonly string[], by: string | null = null, options: RunOptions = {}) {
  const startedMs = Date.now()
  const env = by === null ? {} : { PEPPERMILL_DATABASE_URL: urls[by] ?? "", PEPPERMILL_MASK_KEY: KEY }
  const ended = await peppermill(args, { cwd: folder, env, ...options })
  endedWell(ended)
  expect(Date.now() - startedMs, "it ends within its time").toBeLessThan(30_000)
  hasNone(ended.stderr, ["canary-device", "198.18.", KEY, writer.identity])
  hasNone(await outsideTheVault(database), ["canary-device", "198.18.", KEY])
  return ended
}

const WHY = ["--reason", "INC-1234 check of the log"]
const OPEN = ["--identity", "vault.key"]

/** Refused: nothing on standard output, one clean line and a hint, and no work done. */
function isRefused({ status, stdout, stderr }: Ended, expected: number, words: RegExp): void {
  expect(status, stderr).toBe(expected)
  expect(stdout).toBe("")
  expect(stderr).toMatch(/^peppermill: [^\n]+\n(peppermill: hint: [^\n]+\n)?$/)
  expect(stderr).toMatch(words)
}

interface Original {
  readonly field: string
  readonly value: string | null
  readonly verified: boolean | null
}

/** What a recovery of u-0 gives, once the vault was tampered with. */
async function recovered(subject = "u-0"): Promise<{ status: unknown; originals: readonly Original[] }> {
  const ended = await run(
    ["recover", "--subject", subject, ...WHY, ...OPEN, "--stdout", "--json"],
    "recoverer",
    { mayShow: { stdout: ["address", "device"] } },
  )
  return { status: ended.status, originals: ended.stdout === "" ? [] : JSON.parse(ended.stdout).originals }
}

const rights = { version: 1, nonce: 12, tag: 16 }

/** Tamper with the sealed bytes of a field of u-0, of which nothing may open then. */
const tampered = (change: string) => async () => {
  await database.query(`update vault.originals set sealed = ${change} where subject = 'u-0'`)
  expect(await recovered()).toEqual({ status: 77, originals: [] })
}

async function auditKeys(): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  const pem = (key: typeof privateKey, type: "pkcs8" | "spki") =>
    key.export({ type, format: "pem" }).toString()
  await rm(join(folder, "audit.key"), { force: true })
  await writeFile(join(folder, "audit.key"), pem(privateKey, "pkcs8"), { mode: 0o600 })
  await writeFile(join(folder, "audit.pub"), pem(publicKey, "spki"))
}

/** As the owner of the table, or a superuser, can: past triggers and functions. */
const behindItsBack = (statement: string) =>
  database.query(`set session_replication_role = replica; ${statement}`)

/** Every entry of the catalogue's kind `cli`, in our commands' words: an id is a token or a subject here. */
const ENTRIES: Readonly<Record<string, () => Promise<void>>> = {
  // The catalogue's exit 2 is 64 here: ours are those of sysexits, and documented.
  "unknown-flag": async () =>
    isRefused(await run(["--bacth"]), 64, /unknown option '--bacth'\n.*Did you mean --batch\?/),
  "no-args-not-tty": async () => isRefused(await run([]), 64, /needs a terminal[^\n]*\n.*peppermill --batch/),
  async help() {
    for (const flag of ["--help", "-h"]) {
      const { status, stdout, stderr } = await run([flag])
      expect([status, stderr]).toEqual([0, ""])
      expect(stdout).toMatch(/^Usage: peppermill/)
    }
  },
  async version() {
    const { status, stdout, stderr } = await run(["--version"])
    expect([status, stderr]).toEqual([0, ""])
    expect(stdout).toMatch(/^peppermill \d+\.\d+\.\d+ \(.*node 26\..*\)\n$/)
  },
  "node-flag-passthrough": async () =>
    isRefused(await run(["-e", "console.log(1)"]), 64, /unknown option '-e'/),
  // Of repeated flags the last counts: ARCHITECTURE.md says so.
  async "flag-twice"() {
    await using scene = await openScene()
    scene.send(tellTales(10))
    const ended = await scene.drain(["--max-messages", "9", "--max-messages", "3"])
    expect(summaryOf(ended.stdout)).toMatchObject({ received: 3, stored: 3 })
    await scene.holds(ended, 20_000)
    expect(await readFile(join(ROOT, "ARCHITECTURE.md"), "utf8")).toMatch(/repeated flags the last counts/)
  },
  "equals-empty": async () => isRefused(await run(["--queue-url="]), 64, /--queue-url.*must not be empty/),
  "newline-in-arg": async () =>
    isRefused(await run(["--batch", "--queue-url", "https://x\n\u001b]0;x\u0007"]), 64, /queue\.url/),
  "batch-and-tui": async () => isRefused(await run(["--batch", "--tui"]), 64, /unknown option '--tui'/),

  "recover-reason-blank": async () =>
    isRefused(
      await run(["recover", "--subject", "u-0", "--reason", " ".repeat(10), ...OPEN], "recoverer"),
      64,
      /--reason.*must not be empty/,
    ),
  "recover-all-wildcard": async () =>
    isRefused(await run(["recover", "--all", ...WHY, ...OPEN], "recoverer"), 77, /more than 1000 originals/),
  async "recover-sql-in-id"() {
    const id = "' or 1=1 --"
    for (const named of [
      ["--subject", id],
      ["--token", id],
    ]) {
      const ended = await run(["recover", ...named, ...WHY, ...OPEN, "--stdout"], "recoverer")
      expect([64, 77], ended.stderr).toContain(ended.status)
      expect([ended.stdout, ended.stderr.includes(id)]).toEqual(["", false])
    }
    expect((await recovered()).originals, "and what is there is still there").toHaveLength(2)
  },
  async "recover-expired-grant"() {
    const asked = await run(["recover", "request", "--subject", "u-0", ...WHY], "recoverer")
    await database.query("update vault.requests set expires_at = now() - interval '1 second'")
    const released = await run(["recover", "release", asked.stdout.trim(), ...OPEN, "--stdout"], "recoverer")
    isRefused(released, 77, /expired/)
  },
  async "recover-self-approval"() {
    await database.query("update vault.policy set approvals = 1")
    const asked = await run(["recover", "request", "--subject", "u-0", ...WHY], "both")
    const id = asked.stdout.trim()
    isRefused(await run(["recover", "approve", id], "both"), 77, /own|yourself|other/)
    isRefused(await run(["recover", "release", id, ...OPEN, "--stdout"], "both"), 77, /not approved/)
  },
  async "recover-stdout-not-tty"() {
    const args = ["recover", "--subject", "u-0", ...WHY, ...OPEN]
    isRefused(await run(args, "recoverer"), 64, /--output FILE/)
    // Whatever the umask says.
    const program = fromShell('umask 000; exec "$@"')
    const written = await run([...args, "--output", "originals"], "recoverer", {
      program,
      env: { PEPPERMILL_DATABASE_URL: urls["recoverer"] ?? "", PEPPERMILL_MASK_KEY: KEY },
    })
    expect([written.status, written.stdout]).toEqual([0, ""])
    expect((await stat(join(folder, "originals"))).mode & 0o777).toBe(0o600)
    expect(await readFile(join(folder, "originals"), "utf8")).toContain("198.18.0.0")
  },

  "vault-row-tag-truncated-4": tampered(`substring(sealed for octet_length(sealed) - ${rights.tag - 4})`),
  async "vault-row-swapped-rows"() {
    await database.query(
      `update vault.originals o set sealed = other.sealed from vault.originals other
       where other.field = o.field and other.subject <> o.subject`,
    )
    for (const subject of ["u-0", "u-1"]) {
      expect(await recovered(subject)).toEqual({ status: 77, originals: [] })
    }
  },
  async "vault-row-swapped-columns"() {
    await database.query(
      `update vault.originals o set sealed = other.sealed from vault.originals other
       where other.subject = o.subject and other.field <> o.field`,
    )
    expect(await recovered()).toEqual({ status: 77, originals: [] })
  },
  "vault-row-downgrade-version-byte": tampered("set_byte(sealed, 0, 0)"),
  async "vault-row-nonce-reuse-scan"() {
    const events = LONG ? 500_000 : 10_000
    await using scene = await openScene({ log: false })
    for (let from = 0; from < events; from += 10_000) scene.send(tellTales(10_000, from))
    const ended = await scene.drain()
    expect(summaryOf(ended.stdout)).toMatchObject({ stored: events })
    const [nonces] = await scene.database.query(
      `select count(*)::int as all,
         count(distinct (data_key, substring(sealed from ${1 + rights.version} for ${rights.nonce})))::int as different,
         count(distinct data_key)::int as keys
       from vault.originals`,
    )
    expect(nonces).toMatchObject({ different: nonces?.["all"] })
    expect(nonces?.["all"]).toBeGreaterThan(events)
    report("P17", `${nonces?.["all"]} originals under ${nonces?.["keys"]} data key: 0 nonces twice`)
  },
  // Sealed by somebody who has the data key, with everything in its place but the value.
  async "vault-row-masked-twin-mismatch"() {
    const [row] = await database.query<{ wrapped: Buffer; token: string; id: Buffer }>(
      `select k.wrapped, k.id, o.token from vault.originals o join vault.data_keys k on k.id = o.data_key
       where o.subject = 'u-0' and o.field = 'ip'`,
    )
    const key = await unwrapDataKey(row?.wrapped ?? Buffer.alloc(0), [writer.identity])
    const context = {
      kind: "original",
      table: "user_logins",
      subject: "u-0",
      field: "ip",
      token: row?.token ?? "",
    } as const
    const forged = seal(knownDataKey(key as Uint8Array), context, "192.0.2.99")
    await database.query("update vault.originals set sealed = $1 where token = $2", [forged, row?.token])
    const { status, originals } = await recovered()
    expect(status).toBe(65)
    expect(originals.find(({ field }) => field === "ip")).toMatchObject({ verified: false })
    expect(originals.find(({ field }) => field === "device_id")).toMatchObject({ verified: true })
  },

  async "audit-row-updated"() {
    for (let n = 0; n < 3; n++) await run(["recover", "request", "--subject", "u-0", ...WHY], "recoverer")
    for (const role of ROLES) {
      const client = new URL(urls[role] ?? "")
      const attempt = database.query(`set role ${client.username}; update vault.audit set details = '{}'`)
      await expect(attempt).rejects.toMatchObject({ code: "42501" })
    }
    expect((await run(["audit", "verify"], "auditor")).status).toBe(0)
    const [second] = await database.query(
      "select position from vault.audit order by position offset 1 limit 1",
    )
    const position = Number(second?.["position"])
    const [{ details } = { details: "" }] = await database.query(
      `select details::text as details from vault.audit where position = ${position}`,
    )
    await behindItsBack(
      `update vault.audit set details = '{"reason":"nothing"}' where position = ${position}`,
    )
    const found = await run(["audit", "verify"], "auditor")
    expect(found.status).toBe(65)
    expect(found.stderr).toMatch(new RegExp(`broken: record ${position}\\b`))
    await behindItsBack(
      `update vault.audit set details = '${String(details).replaceAll("'", "''")}' where position = ${position}`,
    )
  },
  async "audit-tail-truncated"() {
    for (let n = 0; n < 3; n++) await run(["recover", "request", "--subject", "u-0", ...WHY], "recoverer")
    await auditKeys()
    await rm(join(folder, "head.json"), { force: true })
    const signed = ["audit", "checkpoint", "--key", "audit.key", "--output", "head.json"]
    expect((await run(signed, "auditor")).status).toBe(0)
    const verify = ["audit", "verify", "--checkpoint", "head.json", "--public-key", "audit.pub"]
    expect((await run(verify, "auditor")).status).toBe(0)
    await behindItsBack(
      "delete from vault.audit where position > (select max(position) - 2 from vault.audit)",
    )
    isRefused(await run(verify, "auditor"), 65, /were cut off/)
    await behindItsBack("truncate vault.audit")
    expect((await run(verify, "auditor")).status).toBe(65)
  },

  // The executable does not check itself: its checksum does, and the documentation says so.
  async "binary-tampered"() {
    const copy = join(folder, "tampered")
    onTestFinished(() => rm(copy))
    await copyFile(BINARY, copy)
    const file = await open(copy, "r+")
    const { size } = await file.stat()
    const byte = Buffer.alloc(1)
    await file.read(byte, 0, 1, size - 1_000_000)
    await file.write(Buffer.of((byte[0] as number) ^ 1), 0, 1, size - 1_000_000)
    await file.close()
    expect(await sha256(copy)).not.toBe(await sha256(BINARY))
    expect(await readFile(join(ROOT, "SECURITY.md"), "utf8")).toMatch(/does not verify itself.*checksum/s)
  },
}

async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256")
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer)
  return hash.digest("hex")
}

const entries = catalogueOf("cli")

describe.skipIf(entries.length === 0)(
  "a command of the catalogue (skipped where the shared folder is missing)",
  () => {
    test("every entry is tried here", () => {
      expect(Object.keys(ENTRIES).sort()).toEqual(entries.map(({ name }) => name).sort())
    })

    test.each(Object.entries(ENTRIES))("%s", async (_name, holds) => holds(), LONG ? 900_000 : 90_000)
  },
)
