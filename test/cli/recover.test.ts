import { randomUUID } from "node:crypto"
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { askSecret } from "../../src/cli/ask-secret.ts"
import { recoverCommand } from "../../src/cli/recover-command.ts"
import { UserError } from "../../src/errors.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { auditLog, fillVault, MASK_KEY, REASON, type SealedRows } from "../recover/setup.ts"
import type { MayShow } from "../tripwire.ts"
import { createIdentity } from "../vault/keys.ts"
import { type Outcome, runCommand } from "./recording-io.ts"

const HOSTILE_DEVICE = "dev\u001b]0;pwned\u0007\u202e1"

let database: TestDatabase
let vault: SealedRows
let folder: string
let urls: { readonly alice: string; readonly bob: string }

beforeAll(async () => {
  database = await createDatabase()
  vault = await fillVault(database, [
    { subject: "u-1", field: "ip", value: "203.0.113.77" },
    { subject: "u-1", field: "device_id", value: HOSTILE_DEVICE },
    { subject: "u-2", field: "ip", value: "203.0.113.77" },
  ])
  urls = {
    alice: (await database.login("peppermill_recoverer")).url,
    bob: (await database.login("peppermill_approver")).url,
  }
  folder = await mkdtemp(join(tmpdir(), "peppermill-recover-"))
  await writeFile(join(folder, "vault.key"), `${vault.identity}\n`, { mode: 0o600 })
})

beforeEach(() => database.query("update vault.policy set approvals = 0, rows_per_hour = 1000"))

afterAll(async () => {
  await rm(folder, { recursive: true })
  await database.drop()
})

interface As {
  readonly by?: keyof typeof urls
  readonly terminal?: boolean
  readonly maskKey?: boolean
  readonly stdin?: string
  readonly env?: Record<string, string>
  readonly mayShow?: MayShow
}

/** For the recoveries that are to show what came back. */
const SHOWN = { mayShow: { stdout: ["address"] } } as const

function recover(args: readonly string[], as: As = {}): Promise<Outcome> {
  const { by = "alice", terminal = true, maskKey = true, stdin = "", env = {}, mayShow = {} } = as
  return runCommand(recoverCommand, args, {
    cwd: folder,
    stdin,
    mayShow,
    stdoutIsTerminal: terminal,
    env: {
      PEPPERMILL_DATABASE_URL: urls[by],
      ...(maskKey && { PEPPERMILL_MASK_KEY: Buffer.from(MASK_KEY.bytes).toString("hex") }),
      ...env,
    },
  })
}

const ASK = ["--reason", REASON, "--ticket", "SEC-7"]
const OPEN = ["--identity", "vault.key"]
const token = () => vault.rows[0]?.token as string

function refusalOf({ error, out }: Outcome): UserError {
  if (!(error instanceof UserError)) throw error ?? new Error("was not refused")
  expect(out).not.toContain("203.0.113.77")
  return error
}

describe("recover in one step", () => {
  test("prints the originals on a terminal, shown and not obeyed", async () => {
    const { out, err, error, exitCode } = await recover(["--subject", "u-1", ...ASK, ...OPEN], SHOWN)
    expect(error).toBeNull()
    expect(exitCode).toBe(0)
    expect(out).toBe(
      "SUBJECT  FIELD      ORIGINAL                      TOKEN\n" +
        "u-1      device_id  dev\\x1b]0;pwned\\x07\\u{202e}1  agrees\n" +
        "u-1      ip         203.0.113.77                  agrees\n",
    )
    expect(err).toMatch(/^peppermill: released 2, on record under request [0-9a-f-]{36}\n$/)
  })

  test("as JSON gives each original exactly, and harmless all the same", async () => {
    const { out } = await recover(["--token", token(), "--subject", "u-1", ...ASK, ...OPEN, "--json"], SHOWN)
    const { schema, request, originals } = JSON.parse(out)
    expect([schema, request]).toEqual([1, expect.stringMatching(/^[0-9a-f-]{36}$/)])
    expect(originals).toEqual([
      { subject: "u-1", field: "ip", token: token(), value: "203.0.113.77", verified: true },
    ])
    const device = await recover(["--subject", "u-1", ...ASK, ...OPEN, "--json"], SHOWN)
    expect(device.out).toMatch(/^[\x20-\x7e]*\n$/)
    expect(JSON.parse(device.out).originals[0].value).toBe(HOSTILE_DEVICE)
  })

  test("takes many tokens, from flags, a file and standard input", async () => {
    const tokens = vault.rows.map((row) => row.token)
    await writeFile(join(folder, "tokens"), `${tokens.join("\r\n")}\n\n`)
    for (const from of [
      ["--token", ...tokens],
      ["--token", tokens[0] as string, "--token", tokens[1] as string],
      ["--tokens-file", "tokens"],
      ["--tokens-file", "-"],
    ]) {
      const { out, error } = await recover([...from, ...ASK, ...OPEN, "--json"], {
        stdin: tokens.join("\n"),
        ...SHOWN,
      })
      expect(error).toBeNull()
      expect(JSON.parse(out).originals).toHaveLength(3)
    }
  })

  test("without the mask key says that nothing was checked", async () => {
    const { out, exitCode } = await recover(["--subject", "u-2", ...ASK, ...OPEN], {
      maskKey: false,
      ...SHOWN,
    })
    expect(out).toContain("203.0.113.77  not checked")
    expect(exitCode).toBe(0)
  })

  test("with a mask key that is not the one shows what differs, and exits 65", async () => {
    const { out, err, exitCode } = await recover(["--subject", "u-2", ...ASK, ...OPEN], {
      env: { PEPPERMILL_MASK_KEY: `${"ab".repeat(31)}cd` },
      ...SHOWN,
    })
    expect(out).toContain("DIFFERS")
    expect(err).toContain("1 did not give the token they are stored under")
    expect(exitCode).toBe(65)
  })

  test("takes the identity from the environment too", async () => {
    const { error } = await recover(["--subject", "u-2", ...ASK, "--identity", "env:VAULT_KEY"], {
      env: { VAULT_KEY: vault.identity },
      ...SHOWN,
    })
    expect(error).toBeNull()
  })
})

describe("originals leave only where they were sent", () => {
  test("not into a pipe by accident, and then nothing is released", async () => {
    const before = (await auditLog(database)).length
    const error = refusalOf(await recover(["--subject", "u-1", ...ASK, ...OPEN], { terminal: false }))
    expect([error.kind, error.hint]).toEqual(["usage", expect.stringContaining("--output FILE")])
    expect(await auditLog(database)).toHaveLength(before)
  })

  test("into a pipe when that was said", async () => {
    const { out } = await recover(["--subject", "u-2", ...ASK, ...OPEN, "--stdout"], {
      terminal: false,
      ...SHOWN,
    })
    expect(out).toContain("203.0.113.77")
  })

  test("into a new file that nobody else can read", async () => {
    const path = join(folder, "originals.json")
    const { out, error } = await recover([
      "--subject",
      "u-2",
      ...ASK,
      ...OPEN,
      "--output",
      "originals.json",
      "--json",
    ])
    expect([error, out]).toEqual([null, ""])
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    expect(JSON.parse(await readFile(path, "utf8")).originals[0].value).toBe("203.0.113.77")
  })

  test("never over a file that is there, and then nothing is released", async () => {
    await writeFile(join(folder, "mine"), "precious")
    const before = (await auditLog(database)).length
    const error = refusalOf(await recover(["--subject", "u-2", ...ASK, ...OPEN, "--output", "mine"]))
    expect([error.kind, error.message]).toEqual(["usage", expect.stringContaining("exists already")])
    expect(await readFile(join(folder, "mine"), "utf8")).toBe("precious")
    expect(await auditLog(database)).toHaveLength(before)
  })

  test("and a recovery that fails leaves no file behind", async () => {
    refusalOf(await recover(["--subject", "nobody", ...ASK, ...OPEN, "--output", "empty"]))
    expect(await readdir(folder)).not.toContain("empty")
  })
})

describe("request, approval, release", () => {
  test("go through three commands and two people", async () => {
    await database.query("update vault.policy set approvals = 1")
    const asked = await recover(["request", "--subject", "u-2", ...ASK])
    const id = asked.out.trim()
    expect(id).toMatch(/^[0-9a-f-]{36}$/)
    expect(asked.err).toContain("1 approval by others first")

    expect(refusalOf(await recover(["release", id, ...OPEN])).message).toBe("the request is not approved yet")
    const pending = await recover(["pending"], { by: "bob" })
    expect(pending.out).toContain(`${id}  `)
    expect(pending.out).toContain(REASON)
    expect((await recover(["approve", id], { by: "bob" })).err).toBe("peppermill: approved\n")

    const status = await recover(["status", id])
    expect(status.out).toContain("state         approved\n")
    expect(status.out).toContain("approvals     1 of 1\n")
    expect(status.out).toContain("wants         subject u-2\n")
    expect((await recover(["release", id, ...OPEN], SHOWN)).out).toContain("203.0.113.77")
    expect((await recover(["status", id, "--json"])).out).toContain('"state":"released"')
  })

  test("end at a denial", async () => {
    await database.query("update vault.policy set approvals = 1")
    const id = (await recover(["request", "--token", token(), ...ASK])).out.trim()
    const denied = await recover(["deny", id, "--json"], { by: "bob" })
    expect(JSON.parse(denied.out)).toEqual({ schema: 1, request: id, outcome: "denied" })
    expect(refusalOf(await recover(["release", id, ...OPEN])).message).toBe("the request was denied")
    expect((await recover(["pending"], { by: "bob" })).err).toBe(
      "peppermill: no request waits for approval\n",
    )
  })

  test("cannot be shortened by an approver who is the requester", async () => {
    await database.query("update vault.policy set approvals = 1")
    const id = (await recover(["request", "--subject", "u-2", ...ASK])).out.trim()
    await database.query(`grant peppermill_approver to ${new URL(urls.alice).username}`)
    const error = refusalOf(await recover(["approve", id]))
    await database.query(`revoke peppermill_approver from ${new URL(urls.alice).username}`)
    expect([error.kind, error.message]).toEqual(["permission", "the request is your own"])
  })
})

describe("recover refuses", () => {
  const usage = ["usage", "permission"]

  test.each<[string, string[], string, string]>([
    ["a blank reason", ["--token", "T", "--reason", "          ", ...OPEN], "commander", "must not be empty"],
    ["no reason", ["--subject", "u-1", ...OPEN], "usage", "--reason is missing"],
    ["a reason too short", ["--subject", "u-1", "--reason", "because", ...OPEN], "usage", "10 characters"],
    ["everything at once", ["--all", ...ASK, ...OPEN], "permission", "more than 1000 originals an hour"],
    ["SQL for a token", ["--token", "' or 1=1 --", ...ASK, ...OPEN], "usage", "not found"],
    ["a token nobody has", ["--token", `k1:${"0".repeat(64)}`, ...ASK, ...OPEN], "permission", "not found"],
    ["nothing to recover", [...ASK, ...OPEN], "usage", "nothing is named"],
    ["no identity", ["--subject", "u-1", ...ASK], "usage", "--identity is missing"],
    ["an identity that is not there", ["--subject", "u-1", ...ASK, "--identity", "none"], "config", "ENOENT"],
    ["tokens that are not there", ["--tokens-file", "none", ...ASK, ...OPEN], "usage", "ENOENT"],
    [
      "both places at once",
      ["--subject", "u-1", ...ASK, ...OPEN, "--stdout", "--output", "x"],
      "usage",
      "exclude each other",
    ],
    ["a command that is none", ["relaese", "x"], "usage", "no command recover relaese"],
  ])("%s", async (_, args, kind, says) => {
    const { error, out } = await recover(args)
    expect(out).toBe("")
    const found = error as UserError
    expect(found.message).toContain(says)
    expect(kind === "commander" ? found.name : found.kind).toBe(
      kind === "commander" ? "CommanderError" : kind,
    )
    expect([...usage, "config", undefined]).toContain(found.kind)
  })

  test("an identity file that others can read, before anything is asked for", async () => {
    await writeFile(join(folder, "open.key"), `${vault.identity}\n`)
    await chmod(join(folder, "open.key"), 0o644)
    const before = (await auditLog(database)).length
    const error = refusalOf(await recover(["--subject", "u-1", ...ASK, "--identity", "open.key"]))
    expect(error.kind).toBe("permission")
    expect(await auditLog(database)).toHaveLength(before)
  })

  test("an identity that opens nothing, naming the reason and not the rows", async () => {
    const { identity } = await createIdentity()
    await writeFile(join(folder, "other.key"), identity, { mode: 0o600 })
    const outcome = await recover(["--subject", "u-2", ...ASK, "--identity", "other.key"])
    expect(refusalOf(outcome).message).toBe("none of the originals opens with this identity")
    expect(outcome.out).toBe("")
  })

  test("one step where approvals are needed", async () => {
    await database.query("update vault.policy set approvals = 2")
    const error = refusalOf(await recover(["--subject", "u-1", ...ASK, ...OPEN]))
    expect([error.kind, error.hint]).toEqual(["permission", expect.stringContaining("recover request")])
  })

  test("somebody else's request as it does one that never was", async () => {
    const id = (await recover(["request", "--subject", "u-2", ...ASK])).out.trim()
    await database.query(`grant peppermill_recoverer to ${new URL(urls.bob).username}`)
    const [theirs, never] = [
      refusalOf(await recover(["release", id, ...OPEN], { by: "bob" })),
      refusalOf(await recover(["release", randomUUID(), ...OPEN], { by: "bob" })),
    ]
    await database.query(`revoke peppermill_recoverer from ${new URL(urls.bob).username}`)
    expect([theirs.kind, theirs.message, theirs.hint]).toEqual([never.kind, never.message, never.hint])
  })
})

describe("a passphrase", () => {
  function terminal() {
    const input = new PassThrough()
    const output = new PassThrough()
    let shown = ""
    output.on("data", (chunk) => {
      shown += String(chunk)
    })
    return { input, output, shown: () => shown }
  }

  test("is asked for without showing what is typed", async () => {
    const { input, output, shown } = terminal()
    const answer = askSecret("Passphrase: ", { input, output })
    input.write("correct horse\r")
    expect(await answer).toBe("correct horse")
    expect(shown()).toBe("Passphrase: \n")
  })

  test.each([
    ["ctrl-c", "half\u0003"],
    ["ctrl-d", "\u0004"],
  ])("may be withheld with %s", async (_, typed) => {
    const { input, output, shown } = terminal()
    const answer = askSecret("Passphrase: ", { input, output })
    input.write(typed)
    await expect(answer).rejects.toThrow("no passphrase was given")
    expect(shown()).not.toContain("half")
  })
})
