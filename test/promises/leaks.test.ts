import { generateKeyPairSync } from "node:crypto"
import { existsSync } from "node:fs"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Ended } from "../binary.ts"
import { type Caught, search } from "../canaries.ts"
import { injectFault } from "../sink/setup.ts"
import { failure } from "../sqs-stub.ts"
import { NO_TERMINAL, openTerminal } from "../tui/real-terminal.ts"
import { makeCanaries, openStage, type Stage } from "./leak-stage.ts"
import { report } from "./report.ts"

const { recipient, nextRecipient, values } = await makeCanaries()
const [address = "", address6 = ""] = values.address
const [device = "", person = "", reason = ""] = [values.device[0], values.person[0], values.reason[0]]
const [rejected = "", unnamed = ""] = [values.rejectedBody[0], values.unnamedKey[0]]

const event = (change: Record<string, unknown> = {}) =>
  JSON.stringify({
    user_id: person,
    app_version: "2.3.0",
    device_type: "android",
    ip: address,
    locale: "RU",
    device_id: device,
    session: { note: unnamed },
    ...change,
  })

/** Good, bad in every way, and one that only PostgreSQL refuses. */
const BODIES = [
  event(),
  event({ ip: `::ffff:${address}` }),
  event({ ip: address6.toUpperCase() }),
  event({ ip: `${address}.9`, note: rejected }),
  event({ device_id: `${device}${"x".repeat(300)}`, note: rejected }),
  event({ device_type: `${rejected}\0` }),
  event({ app_version: rejected }),
  event({ [rejected]: rejected, ip: undefined }),
  `{"user_id":"${person}","ip":"${address}","note":"${rejected}`,
  `"${rejected}"`,
  event({ locale: "poison" }),
]

const ASK = ["--reason", `${reason} of today`, "--ticket", "SEC-7"]
const OPEN = ["--identity", "identity.key"]

/**
 * Where a value may stand. A person's id is stored in clear and is what some
 * commands are about; a reason is for those who read the audit log or a certificate; a session
 * token goes to AWS with each request. Everything else may stand nowhere.
 */
function isAllowed(canary: string, { channel, from }: Caught): boolean {
  if (canary === "sessionToken") return channel === "requests"
  if (canary !== "person" && canary !== "reason") return false
  if (["server log", "wire", "vault", "database", "process", "file"].includes(channel)) return true
  const isAbout =
    canary === "person"
      ? /^(--dry-run|recover|erase|audit|terminal)/
      : /^(recover (status|pending)|erase|audit|terminal)/
  return isAbout.test(from)
}

let stage: Stage
let isFailing = false

beforeAll(async () => {
  stage = await openStage(values, {
    script: ({ operation }) =>
      isFailing && operation === "ReceiveMessage"
        ? failure("AccessDenied", 403, `${values.awsSecret[0]} ${values.sessionToken[0]}`)
        : undefined,
  })
  await stage.keep("identity.key", `${values.identity[0]}\n`)
  await stage.keep("stranger.key", `${values.identity[1]}\n`)
  const { privateKey, publicKey } = generateKeyPairSync("ed25519")
  await stage.keep("audit.key", privateKey.export({ type: "pkcs8", format: "pem" }).toString())
  await stage.keep("audit.pub", publicKey.export({ type: "spki", format: "pem" }).toString())
}, 120_000)
afterAll(() => stage.close())

const vault = { PEPPERMILL_VAULT_RECIPIENTS: recipient }

/** A command in words and in JSON; both have to end so. */
async function both(status: number, role: string, args: readonly string[]): Promise<Ended> {
  const text = await stage.run(role, args, { env: vault })
  expect(text.status, `${args.join(" ")}: ${text.stderr}${text.stdout}`).toBe(status)
  const json = await stage.run(role, [...args, "--json"], { env: vault })
  expect(json.status, `${args.join(" ")} --json: ${json.stderr}`).toBe(status)
  return json
}

const query = async (text: string) => (await stage.admin.query(text)).rows

// One story: each test goes on where the one before has stopped.
describe("thirteen values, none of which may be met again", () => {
  test("go through set-up, doctor and configuration", async () => {
    await both(0, "owner", ["init"])
    await stage.makeLogins()
    // The identity lies where the writer runs: doctor must say so, as a fault of the set-up.
    const doctor = await both(78, "writer", ["doctor"])
    expect(doctor.stdout).toContain("an identity that opens this vault lies in")
    await both(0, "writer", ["config", "print"])
    await both(0, "writer", ["config", "check"])
    const direct = `postgres://leak_writer:${values.databasePassword[0]}@127.0.0.1:1/postgres`
    await stage.run("writer", ["config", "print"], {
      env: { ...vault, PEPPERMILL_DATABASE_URL: direct, PEPPERMILL_MASKING_KEYS: `k1=${values.maskKey[0]}` },
    })
    await stage.run("writer", ["config", "print", "--json"], { env: { PEPPERMILL_DATABASE_URL: direct } })
  }, 120_000)

  test("through a dry run and a drain with good, bad and poisoned messages, retries and database errors", async () => {
    stage.stub.send(BODIES)
    const dry = await stage.run("writer", ["--dry-run"], { env: vault })
    expect(dry.status, dry.stderr).toBe(0)
    await stage.run("writer", ["--dry-run", "--json"], { env: vault })
    const database = { query: (text: string) => query(text) } as Parameters<typeof injectFault>[0]
    await injectFault(database, "40001", { times: 2 })
    const first = await stage.run("writer", ["--batch", "--max-messages", "2"], { env: vault })
    expect(first.stderr).toContain("40001")
    await query("alter sequence faults restart")
    await injectFault(database, "22001", { when: "new.locale = 'poison'" })
    const rest = await stage.run("writer", ["--batch", "--json"], { env: vault })
    expect(JSON.parse(rest.stdout).quarantined, rest.stderr).toBeGreaterThanOrEqual(8)
    await query("drop trigger fault on user_logins")
  }, 120_000)

  test("through failures at each stage", async () => {
    stage.stub.send([event({ user_id: `${person}-2` })])
    for (const role of ["wrong", "broken", "incomplete", "absent"]) {
      for (const args of [["doctor"], ["--batch"], ["--batch", "--json"]]) {
        expect((await stage.run(role, args, { env: vault })).status, role).not.toBe(0)
      }
    }
    const password = values.databasePassword[0]
    for (const env of [
      { PEPPERMILL_DATABASE_URL: `postgres://leak_writer:${password}@127.0.0.1:1/postgres` },
      { PEPPERMILL_DATABASE_URL: `postgres://leak_writer:${password}@no-such-host.invalid/postgres` },
      { PEPPERMILL_DATABASE_URL: `postgres://leak_writer:${password}@127.0.0.1:1/post#gres` },
      { PEPPERMILL_DATABASE_URL: `env:${password}` },
      { PEPPERMILL_MASKING_KEYS: "k1=aws-sm:keys#two" },
      { PEPPERMILL_MASKING_KEYS: "k1=aws-sm:keys#absent" },
      { PEPPERMILL_MASKING_KEYS: `k1=env:${values.maskKey[0]}` },
      { PEPPERMILL_MASKING_KEYS: `k1=${values.maskKey[0]}` },
      { PEPPERMILL_MASKING_KEYS: "k1=env:SHORT", SHORT: values.maskKey[0]?.slice(0, 60) ?? "" },
      { PEPPERMILL_VAULT_RECIPIENTS: values.identity[0] ?? "" },
      { PEPPERMILL_QUEUE_URL: `https://user:${password}@sqs.us-east-1.amazonaws.com/1/q` },
    ]) {
      const ended = await stage.run("writer", ["--batch"], {
        env: { ...vault, PEPPERMILL_DATABASE_RETRY_SECONDS: "0", ...env },
      })
      expect(ended.status, JSON.stringify(Object.keys(env))).not.toBe(0)
    }
    isFailing = true
    expect((await stage.run("writer", ["--batch"], { env: vault })).status).toBe(77)
    isFailing = false
    await query("alter table user_logins rename column masked_ip to masked_ip_2")
    await stage.run("writer", ["--batch"], { env: vault })
    await query("alter table user_logins rename column masked_ip_2 to masked_ip")
    await query("alter table user_logins add check (user_id !~ '-2$')")
    await stage.run("writer", ["--batch"], { env: vault })
  }, 240_000)

  test("through the quarantine, a recovery, the audit log", async () => {
    await both(0, "writer", ["quarantine", "ls"])
    await both(0, "writer", ["quarantine", "ls", "--messages"])
    const asked = await stage.run("recoverer", ["recover", "request", "--subject", person, ...ASK])
    expect(asked.status, asked.stderr).toBe(0)
    const id = asked.stdout.trim()
    await stage.run("recoverer", ["recover", "status", id])
    await stage.run("approver", ["recover", "pending", "--json"])
    await stage.run("approver", ["recover", "approve", id])
    // Without a place to write to, and with another's identity.
    const release = ["recover", "release", id]
    expect((await stage.run("recoverer", [...release, ...OPEN])).status).toBe(64)
    const stranger = [...release, "--identity", "stranger.key", "--output", "out-1"]
    expect((await stage.run("recoverer", stranger)).status).toBe(77)
    const whole = ["recover", "--subject", person, ...ASK, ...OPEN, "--output", "out-2", "--json"]
    const done = await stage.run("recoverer", whole)
    expect(done.status, done.stderr).toBe(0)
    expect(existsSync(join(stage.folder, "out-2"))).toBe(true)
    const [message] = await query("select message_id::text as id from vault.quarantine limit 1")
    const show = ["quarantine", "show", message?.id, ...ASK, ...OPEN, "--output", "out-3"]
    expect((await stage.run("recoverer", show)).status).toBe(0)
    await stage.run("keeper", ["quarantine", "replay", "--all", ...ASK, ...OPEN])
    await both(0, "auditor", ["audit", "show"])
    await both(0, "auditor", ["audit", "report"])
    await both(0, "auditor", ["audit", "verify"])
    const head = ["audit", "checkpoint", "--key", "audit.key", "--output", "kept-head.json"]
    expect((await stage.run("auditor", head)).status).toBe(0)
  }, 120_000)

  test("through the terminal UI, every screen of it", async ({ skip }) => {
    if (NO_TERMINAL !== null) skip(NO_TERMINAL)
    stage.stub.send(BODIES)
    const env = stage.environment("writer", vault)
    await using terminal = await openTerminal(["--identity", join(stage.folder, "identity.key")], { env })
    await terminal.sees(/idle/)
    for (const key of ["2", "3", "4", "5", "6", "?", "\u001b", "1"]) {
      terminal.type(key)
      await sleep(400)
    }
    terminal.type("q")
    await terminal.ended
    stage.caught.push({ channel: "pty", from: "terminal UI", text: terminal.raw() })
    expect(await terminal.text()).toMatch(/received/)
  }, 120_000)

  test("and through new keys, new recipients and an erasure", async () => {
    const keys = { ...vault, PEPPERMILL_MASKING_ACTIVE_KEY: "k2" }
    await both(0, "writer", ["keys", "ls"])
    expect((await stage.run("keeper", ["keys", "rotate", "--id", "k2"])).status).toBe(0)
    const rekey = ["keys", "rekey", "--from", "k1", "--to", "k2", ...ASK, ...OPEN]
    const moved = await stage.run("keeper", rekey, { env: keys })
    expect([0, 75], moved.stderr).toContain(moved.status)
    const add = ["keys", "recipients", "add", nextRecipient, ...ASK, ...OPEN]
    expect((await stage.run("keeper", add)).status).toBe(0)
    const mask = await stage.run("writer", ["mask", "-", "--field", "ip"], { stdin: `${address}\n` })
    expect(mask.stdout).toMatch(/k1:[0-9a-f]{64}/)
    const [{ n } = { n: 0 }] = await query(
      `select count(*)::int as n from vault.originals where subject = '${person}'`,
    )
    const erase = ["erase", "--subject", person, "--sever", ...ASK, "--yes", "--expect", `${n}`]
    const erased = await stage.run("eraser", erase, { env: vault })
    expect([0, 65], erased.stderr).toContain(erased.status)
  }, 120_000)

  test("are nowhere to be found", async () => {
    await stage.gather()
    expect(search(stage.caught, values, isAllowed)).toEqual([])
    const { length } = stage.caught
    const bytes = stage.caught.reduce((sum, { text }) => sum + text.length, 0)
    const figure = `${Object.keys(values).length} canaries, ${length} captures, ${(bytes / 1e6).toFixed(1)} MB: 0 hits`
    report("P21", figure)
  })

  /** What is known to be there has to be found by the same search, or it would prove nothing. */
  test.each([
    ["stdout", () => "quarantined"],
    ["stderr", () => "draining logins"],
    ["process", () => "--max-messages"],
    ["pty", () => "received"],
    ["server log", () => `${person}-2`],
    ["wire", () => `${person}-2`],
    ["requests", () => values.sessionToken[0] ?? ""],
    ["database", () => "RU"],
    ["vault", () => "not-an-ip"],
    ["file", () => "signature"],
  ])("a value known to be in %s is found there", (channel, known) => {
    if (channel === "pty" && NO_TERMINAL !== null) return
    const here = stage.caught.filter((one) => one.channel === channel)
    expect(search(here, { known: [known()] }).length).toBeGreaterThan(0)
  })

  test.each(["address", "device", "person"] as const)(
    "a planted %s would be found in each channel",
    (name) => {
      const channels = new Set(stage.caught.map(({ channel }) => channel))
      expect(channels.size).toBeGreaterThanOrEqual(NO_TERMINAL === null ? 10 : 9)
      for (const channel of channels) {
        const [one] = stage.caught.filter((each) => each.channel === channel)
        const planted = { ...(one as Caught), text: `${one?.text}${values[name][0]}` }
        expect(search([planted], { [name]: values[name] })).toHaveLength(1)
      }
    },
  )
})
