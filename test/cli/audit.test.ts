import { createPrivateKey, createPublicKey, generateKeyPairSync } from "node:crypto"
import { chmod, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { auditCommand } from "../../src/cli/audit-command.ts"
import { parseSince } from "../../src/cli/since.ts"
import { UserError } from "../../src/errors.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { collect, device, deviceToken, fillVault, release, request, session } from "../recover/setup.ts"
import { type Outcome, runCommand } from "./recording-io.ts"

let database: TestDatabase
let folder: string
let url: string
let alice: string

beforeAll(async () => {
  database = await createDatabase()
  await fillVault(database, [device(1), device(2)])
  url = (await database.login("peppermill_auditor")).url
  await using by = await session(database, "peppermill_recoverer")
  alice = by.user
  const id = await request(by, [deviceToken(device(1).value)])
  await release(by, id)
  await collect(by, id)
  await release(by, id)
  await by.run("select vault.request(null, $1, $2)", ["user-2", "because \u001b[2Jof \u202eit"])
  folder = await mkdtemp(join(tmpdir(), "peppermill-audit-"))
  const { privateKey, publicKey } = generateKeyPairSync("ed25519", {
    privateKeyEncoding: { type: "pkcs8", format: "pem" },
    publicKeyEncoding: { type: "spki", format: "pem" },
  })
  await writeFile(join(folder, "audit.key"), privateKey, { mode: 0o600 })
  await writeFile(join(folder, "audit.pub"), publicKey)
})

afterAll(async () => {
  await rm(folder, { recursive: true })
  await database.drop()
})

function audit(...args: string[]): Promise<Outcome> {
  return runCommand(auditCommand, args, { cwd: folder, env: { PEPPERMILL_DATABASE_URL: url } })
}

function refusalOf({ error }: Outcome): UserError {
  if (!(error instanceof UserError)) throw error ?? new Error("was not refused")
  return error
}

describe("audit show", () => {
  test("prints the newest records, oldest first, and obeys nothing that stands in them", async () => {
    const { out, error } = await audit("show")
    expect(error).toBeNull()
    const lines = out.split("\n")
    expect(lines[0]).toMatch(/^NO +TIME +BY +ACTION +OUTCOME +ABOUT +TICKET +REQUEST +REASON$/)
    expect(
      lines.slice(1, 5).map((line) => line.split(/ {2,}/).filter((_, index) => index !== 1 && index !== 2)),
    ).toEqual([
      ["1", "request", "done", "1 token", "SEC-7", expect.any(String), "fraud case, see the ticket"],
      ["2", "release", "done", "1 token", "SEC-7", expect.any(String), "fraud case, see the ticket"],
      [
        "3",
        "release",
        "refused: already-released",
        "1 token",
        "SEC-7",
        expect.any(String),
        "fraud case, see the ticket",
      ],
      ["4", "request", "done", "user-2", expect.any(String), "because \\x1b[2Jof \\u{202e}it"],
    ])
    expect(lines).toHaveLength(6)
  })

  test("keeps to what was asked for", async () => {
    expect((await audit("show", "--limit", "1")).out).toContain("user-2")
    expect((await audit("show", "--limit", "1")).out.split("\n")).toHaveLength(3)
    expect((await audit("show", "--actor", "nobody")).out.split("\n")).toHaveLength(2)
    expect((await audit("show", "--since", "1h", "--subject", "user-1")).out.split("\n")).toHaveLength(3)
  })

  test("as JSON gives every field, exactly and harmless", async () => {
    const { out } = await audit("show", "--json")
    expect(out).toMatch(/^[\x20-\x7e]*\n$/)
    const { schema, records } = JSON.parse(out)
    expect([schema, records.length]).toEqual([1, 4])
    expect(records[2]).toMatchObject({
      position: 3,
      actor: alice,
      outcome: "refused",
      why: "already-released",
    })
    expect(records[3].reason).toBe("because \u001b[2Jof \u202eit")
  })
})

describe("audit report", () => {
  test("tells who recovered what, when and why", async () => {
    const { out } = await audit("report", "--subject", "user-1")
    expect(out.split("\n")[1]).toMatch(
      new RegExp(
        `^\\d{4}-\\d\\d-\\d\\dT[\\d:]+Z +${alice} +1 +user-1 +nobody +SEC-7 +fraud case, see the ticket$`,
      ),
    )
    const { recoveries } = JSON.parse((await audit("report", "--json")).out)
    expect(recoveries).toMatchObject([{ actor: alice, subjects: ["user-1"], originals: 1, approvedBy: [] }])
  })

  test("says so when nothing was recovered", async () => {
    const { out, err } = await audit("report", "--subject", "user-2")
    expect([out, err]).toEqual(["", "peppermill: nothing was recovered\n"])
  })
})

describe("audit verify and checkpoint", () => {
  const against = ["--checkpoint", "cp.json", "--public-key", "audit.pub"]

  test("agree on a whole log, which may have grown", async () => {
    const whole = await audit("verify")
    expect(whole.out).toMatch(/^4 records are whole, head [0-9a-f]{64}\n$/)
    expect(whole.err).toContain("--checkpoint FILE")
    const signed = await audit("checkpoint", "--key", "audit.key", "--output", "cp.json")
    expect([signed.error, signed.err]).toEqual([
      null,
      "peppermill: signed 4 records; keep the file away from the database\n",
    ])
    expect(JSON.parse(await readFile(join(folder, "cp.json"), "utf8"))).toMatchObject({ schema: 1, size: 4 })
    await database.query("select vault.append('erase', 'user-2', 1, 'asked for it', null, null, null)")
    const grown = await audit("verify", ...against)
    expect([grown.error, grown.err]).toEqual([null, ""])
    expect(JSON.parse((await audit("verify", ...against, "--json")).out)).toMatchObject({
      ok: true,
      size: 5,
      checkpoint: 4,
    })
  })

  test("name the first record that is not as it was", async () => {
    await database.query("alter table vault.audit disable trigger all")
    const cut = "delete from vault.audit where position >= 3"
    const edit = "update vault.audit set reason = 'none' where position = 2"
    const spoilt = async (statement: string, ...args: string[]) => {
      await database.query(`create table kept as select * from vault.audit; ${statement}`)
      const outcome = await audit(...args)
      await database.query(
        "delete from vault.audit; insert into vault.audit select * from kept; drop table kept",
      )
      return outcome
    }
    expect(refusalOf(await spoilt(edit, "verify"))).toMatchObject({
      kind: "data",
      message: "the audit log is broken: record 2 was changed or inserted",
    })
    expect((await spoilt(cut, "verify")).error).toBeNull()
    const found = await spoilt(cut, "verify", ...against, "--json")
    expect(refusalOf(found).message).toBe("the audit log is broken: record 3 and those after it were cut off")
    expect(JSON.parse(found.out)).toEqual({ schema: 1, ok: false, position: 3, why: "cut-off" })
    const unsigned = await spoilt(edit, "checkpoint", "--key", "audit.key", "--output", "bad.json")
    expect(refusalOf(unsigned).hint).toBe("a broken log is not signed")
    await expect(readFile(join(folder, "bad.json"))).rejects.toThrow("ENOENT")
    await database.query("alter table vault.audit enable trigger all")
  })

  test("refuse a checkpoint that somebody changed, and one of another key", async () => {
    const text = await readFile(join(folder, "cp.json"), "utf8")
    await writeFile(join(folder, "forged.json"), text.replace('"size":4', '"size":3'))
    const forged = await audit("verify", "--checkpoint", "forged.json", "--public-key", "audit.pub")
    expect(refusalOf(forged)).toMatchObject({
      kind: "data",
      message: expect.stringContaining("was not signed with this key"),
    })
    const other = generateKeyPairSync("ed25519").publicKey.export({ type: "spki", format: "pem" })
    await writeFile(join(folder, "other.pub"), other)
    const strange = await audit("verify", "--checkpoint", "cp.json", "--public-key", "other.pub")
    expect(refusalOf(strange).kind).toBe("data")
  })

  test("refuse half a question, files that are not there or in the way, and a key that others can read", async () => {
    expect(refusalOf(await audit("verify", "--checkpoint", "cp.json")).kind).toBe("usage")
    expect(
      refusalOf(await audit("verify", "--checkpoint", "none", "--public-key", "audit.pub")).message,
    ).toContain("ENOENT")
    const inTheWay = await audit("checkpoint", "--key", "audit.key", "--output", "audit.pub")
    expect(refusalOf(inTheWay).message).toContain("exists already")
    expect(createPublicKey(await readFile(join(folder, "audit.pub"))).asymmetricKeyType).toBe("ed25519")
    await chmod(join(folder, "audit.key"), 0o644)
    expect(refusalOf(await audit("checkpoint", "--key", "audit.key", "--output", "new.json")).hint).toContain(
      "chmod 600",
    )
    await chmod(join(folder, "audit.key"), 0o600)
    expect(createPrivateKey(await readFile(join(folder, "audit.key"))).asymmetricKeyType).toBe("ed25519")
  })
})

test("a login without the role is told which one", async () => {
  const { url: stranger } = await database.login("peppermill_recoverer")
  const { error } = await runCommand(auditCommand, ["show"], {
    cwd: folder,
    env: { PEPPERMILL_DATABASE_URL: stranger },
  })
  expect((error as UserError).hint).toContain("peppermill_auditor")
})

describe("--since", () => {
  const NOW = Date.UTC(2026, 10, 22, 12)

  test.each([
    ["2026-11-01", Date.UTC(2026, 10, 1)],
    ["2026-11-01T08:30", Date.UTC(2026, 10, 1, 8, 30)],
    ["2026-11-01 08:30:15Z", Date.UTC(2026, 10, 1, 8, 30, 15)],
    ["2026-11-01T08:30+02:00", Date.UTC(2026, 10, 1, 6, 30)],
    ["90m", NOW - 90 * 60_000],
    ["24h", NOW - 86_400_000],
    ["7d", NOW - 7 * 86_400_000],
  ])("%s is a time", (text, ms) => {
    expect(parseSince(text, NOW)).toBe(ms)
  })

  test.each([
    "yesterday",
    "7",
    "d",
    "-7d",
    "2026-13-01",
    "2026-02-30T25:00",
    "01.11.2026",
    "1e3d",
    "2026-11-01T08:30 x",
  ])("%s is none", (text) => {
    expect(() => parseSince(text, NOW)).toThrow("--since: is no time")
  })
})
