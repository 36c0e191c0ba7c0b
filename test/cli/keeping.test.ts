import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Command } from "commander"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { confirmCount } from "../../src/cli/confirm.ts"
import { eraseCommand } from "../../src/cli/erase-command.ts"
import { keysCommand } from "../../src/cli/keys-command.ts"
import { quarantineCommand } from "../../src/cli/quarantine-command.ts"
import { UserError } from "../../src/errors.ts"
import { type Io, processIo } from "../../src/io.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { MASK_KEY, REASON } from "../recover/setup.ts"
import { openWriter, type Writer } from "../recover/writer.ts"
import { login } from "../shape.ts"
import { createIdentity } from "../vault/keys.ts"
import { type Outcome, runCommand } from "./recording-io.ts"

const WHY = ["--reason", REASON, "--ticket", "SEC-7"]
const OPEN = ["--identity", "vault.key"]
const NEW_KEY = `${"c8".repeat(31)}07`

let database: TestDatabase
let writer: Writer
let folder: string
const urls: Record<string, string> = {}

beforeAll(async () => {
  database = await createDatabase()
  folder = await mkdtemp(join(tmpdir(), "peppermill-keeping-"))
  for (const role of ["keeper", "recoverer", "eraser", "writer"]) {
    urls[role] = (await database.login(`peppermill_${role}`)).url
  }
  urls["both"] = (await database.login("peppermill_eraser", "peppermill_recoverer")).url
})

beforeEach(async () => {
  await database.query(
    "delete from vault.quarantine; delete from vault.originals; delete from user_logins; delete from peppermill.mask_keys",
  )
  writer = await openWriter(database)
  await rm(join(folder, "vault.key"), { force: true })
  await writeFile(join(folder, "vault.key"), `${writer.identity}\n`, { mode: 0o600 })
  return () => writer[Symbol.asyncDispose]()
})

afterAll(async () => {
  await rm(folder, { recursive: true })
  await database.drop()
})

async function run(
  create: (io: Io) => Command,
  by: string,
  args: readonly string[],
  { terminal = true, activeKey = "k1", maxLength = 256 } = {},
): Promise<Outcome> {
  const config = {
    masking: { activeKey, keys: { k1: "env:K1", k2: "env:K2" } },
    vault: { recipients: [writer.recipient] },
    event: {
      fields: {
        user_id: { type: "text", maxLength: 128 },
        device_type: { type: "text", maxLength: 32 },
        ip: { type: "ip", mask: true, column: "masked_ip" },
        device_id: { type: "text", mask: true, column: "masked_device_id", maxLength },
        locale: { type: "text", maxLength: 32, nullable: true },
        app_version: { type: "version" },
      },
    },
  }
  await writeFile(join(folder, "peppermill.config.json"), JSON.stringify(config))
  return runCommand(create, args, {
    cwd: folder,
    stdoutIsTerminal: terminal,
    env: {
      PEPPERMILL_DATABASE_URL: urls[by],
      K1: Buffer.from(MASK_KEY.bytes).toString("hex"),
      K2: NEW_KEY,
    },
  })
}

function failure({ error }: Outcome): UserError {
  if (!(error instanceof UserError)) throw new Error("it was not refused", { cause: error })
  return error
}

function json({ out, error }: Outcome): Record<string, unknown> {
  expect(error).toBeNull()
  return JSON.parse(out) as Record<string, unknown>
}

describe("peppermill quarantine", () => {
  const quarantine = (by: string, ...args: string[]) => run(quarantineCommand, by, args)

  test("ls shows groups and messages, and never a value", async () => {
    const [id = ""] = await writer.write(login({ ip: "999.8.7.6" }), login({ ip: "999.8.7.5" }))
    const groups = await quarantine("writer", "ls")
    expect(groups.out).toMatch(/^COUNT {2}REASON.*\n2 {6}not-an-ip {2}ip +2026-11-01T12:00:00Z/)
    const messages = await quarantine("writer", "ls", "--messages", "--reason-code", "not-an-ip")
    expect(messages.out).toContain(id)
    expect(groups.out + messages.out).not.toContain("999.")
    expect(json(await quarantine("writer", "ls", "--json"))).toMatchObject({
      schema: 1,
      groups: [{ count: 2 }],
    })
  })

  test("show prints a body that cannot command the terminal; into a pipe only where that was said", async () => {
    const body = '{"ip":"\u001b]0;pwned\u0007\u202e"'
    const [id = ""] = await writer.write(body)
    const shown = await quarantine("recoverer", "show", id, ...WHY, ...OPEN)
    expect(shown.error).toBeNull()
    expect(shown.out).toContain("\\x1b]0;pwned\\x07\\u{202e}")
    const piped = (...more: string[]) =>
      run(quarantineCommand, "recoverer", ["show", id, ...WHY, ...OPEN, ...more], { terminal: false })
    expect(failure(await piped())).toMatchObject({ kind: "usage" })
    expect(json(await piped("--stdout", "--json"))).toMatchObject({ schema: 1, messageId: id, body })
    await piped("--output", "body.json", "--json")
    expect(JSON.parse(await readFile(join(folder, "body.json"), "utf8"))).toMatchObject({ body })
  })

  test("show waits for the approvals of the policy", async () => {
    const [id = ""] = await writer.write("{")
    await database.query("update vault.policy set approvals = 1")
    const refused = failure(await quarantine("recoverer", "show", id, ...WHY, ...OPEN))
    await database.query("update vault.policy set approvals = 0")
    expect(refused.message).toContain("needs 1 approvals")
    const request = /--request (\S+)/.exec(refused.hint ?? "")?.[1] ?? ""
    const early = await quarantine("recoverer", "show", id, "--request", request, ...OPEN)
    expect(failure(early).message).toContain("not approved")
  })

  test("replay stores what the configuration of now takes, and says what stays", async () => {
    await writer.write(login({ device_id: "d".repeat(300) }), "{")
    const args = ["replay", "--all", ...WHY, ...OPEN, "--json"]
    const done = await run(quarantineCommand, "keeper", args, { maxLength: 400 })
    expect(json(done)).toEqual({ schema: 1, stored: 1, rejected: { "not-json": 1 }, unopened: 0, gone: 0 })
    expect(done.exitCode).toBe(65)
    expect(failure(await quarantine("recoverer", ...args))).toMatchObject({
      kind: "permission",
      hint: "grant peppermill_keeper to the user of database.url",
    })
  })

  test("drop wants its count confirmed", async () => {
    await writer.write("{", "[")
    const drop = (...more: string[]) =>
      quarantine("eraser", "drop", "--reason-code", "not-json", ...WHY, ...more)
    expect(failure(await drop())).toMatchObject({ kind: "usage" })
    expect(failure(await drop("--yes"))).toMatchObject({ kind: "usage" })
    expect(failure(await drop("--yes", "--expect", "3"))).toMatchObject({ kind: "data" })
    expect(json(await drop("--yes", "--expect", "2", "--json"))).toEqual({ schema: 1, dropped: 2 })
  })

  test.each([
    [["replay", ...WHY, ...OPEN], "which messages"],
    [["replay", "--all", "--id", "a", ...WHY, ...OPEN], "--all stands alone"],
    [["replay", "--all", ...OPEN], "--reason is missing"],
    [["replay", "--all", ...WHY], "--identity is missing"],
    [["show", "a", ...OPEN], "--reason is missing"],
  ])("%j is refused before anything is asked of the database", async (args, message) => {
    expect(failure(await quarantine("nobody", ...args)).message).toContain(message)
  })
})

describe("confirming a count", () => {
  const io = { ...processIo(), stdinIsTerminal: true }
  test("takes the count typed back, and nothing else", async () => {
    await confirmCount(io, {}, 12, async () => " 12 ")
    for (const answer of ["", "y", "yes", "11", "012"]) {
      await expect(confirmCount(io, {}, 12, async () => answer)).rejects.toMatchObject({ kind: "permission" })
    }
  })
})

describe("peppermill erase", () => {
  test("prints a certificate, and recovering fails from then on", async () => {
    await writer.write(login({ user_id: "u-1" }), '{"user_id":"u-1"')
    const args = ["--subject", "u-1", "--sever", ...WHY, ...OPEN]
    expect(failure(await run(eraseCommand, "both", args))).toMatchObject({ kind: "usage" })
    const done = await run(eraseCommand, "both", [...args, "--yes", "--expect", "3"])
    expect(done.err).toContain("1 originals of device_id")
    expect(done.err).toContain("a recovery was tried and found nothing")
    expect(json(done)).toMatchObject({
      schema: 1,
      subject: "u-1",
      deleted: { originals: { device_id: 1, ip: 1 }, quarantined: 1 },
      severedRows: 1,
      audit: { position: expect.any(Number), hash: expect.stringMatching(/^[0-9a-f]{64}$/) },
      recovery: { outcome: "not-found" },
    })
  })

  test("without an identity says which messages it has not looked into", async () => {
    await writer.write(login({ user_id: "u-1" }))
    const done = await run(eraseCommand, "eraser", ["--subject", "u-1", ...WHY, "--yes", "--expect", "2"])
    expect(json(done)).toMatchObject({ severedRows: null, recovery: { outcome: "not-tried", originals: 0 } })
    expect(done.out).toContain("none was opened")
  })
})

describe("peppermill keys", () => {
  const keys = (by: string, args: readonly string[], activeKey = "k1") =>
    run(keysCommand, by, args, { activeKey })

  test("ls, rotate and rekey lead from one mask key to the next", async () => {
    await writer.write(login(), login({ user_id: "u-2" }))
    expect((await keys("keeper", ["rotate", "--id", "k2"])).err).toContain("set masking.activeKey to k2")
    const listed = await keys("writer", ["ls"])
    expect(listed.out).toMatch(/k1 +active {2}matches .* 4 +4\n/)
    expect(listed.out).toMatch(/k2 +live +matches /)
    const args = ["rekey", "--from", "k1", "--to", "k2", ...WHY, ...OPEN]
    expect(failure(await keys("keeper", args)).message).toContain("masking.activeKey is not k2")
    const done = await keys("keeper", args, "k2")
    expect(done.error).toBeNull()
    expect(done.out).toMatch(/tokens moved +4, of 2 different values/)
    expect(json(await keys("writer", ["ls", "--json"], "k2"))).toMatchObject({
      schema: 1,
      maskKeys: [
        { id: "k1", state: "retired", use: { events: 0, originals: 0 } },
        { id: "k2", state: "active", check: "matches", use: { events: 4, originals: 4 } },
      ],
    })
  })

  test("rotate refuses a key the configuration lacks, and another key under a known id", async () => {
    expect(failure(await keys("keeper", ["rotate", "--id", "k3"])).message).toContain("has no key k3")
    await database.query("insert into peppermill.mask_keys (id, check_value) values ('k2', 'other')")
    expect(failure(await keys("keeper", ["rotate", "--id", "k2"])).message).toContain("different key")
    const listed = await keys("keeper", ["ls", "--no-counts"])
    expect(listed.out).toMatch(/k2 +live +differs/)
    expect(failure(listed)).toMatchObject({ kind: "config" })
  })

  test("recipients add and remove say what else there is to do", async () => {
    await writer.write(login())
    await database.query("delete from vault.data_keys where recipients <> $1", [[writer.recipient]])
    const { recipient } = await createIdentity()
    const added = await keys("keeper", ["recipients", "add", recipient, ...OPEN])
    expect(added.err).toContain("1 data keys wrapped anew")
    expect(added.err).toContain("add it to vault.recipients")
    const removed = await keys("keeper", ["recipients", "remove", writer.recipient, ...OPEN])
    expect(removed.err).toContain("take it out of vault.recipients")
    expect(removed.err).toContain("backups")
    const refused = failure(await keys("keeper", ["recipients", "add", writer.identity, ...OPEN]))
    expect(refused.message).not.toContain(writer.identity.slice(20, 40))
  })
})
