import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest"
import { approveRequest, pendingRequests } from "../../src/recover/request.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { drainEnv } from "../binary.ts"
import { createDatabase } from "../database.ts"
import { login } from "../shape.ts"
import { startSqsStub } from "../sqs-stub.ts"
import { createIdentity } from "../vault/keys.ts"
import { NO_TERMINAL, openTerminal, type RealTerminal } from "./real-terminal.ts"

const GOOD = 360
const MALFORMED = 20

let folder: string
let identityFile: string
let recipient: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "peppermill-tui-"))
  identityFile = join(folder, "vault.key")
  const created = await createIdentity()
  recipient = created.recipient
  await writeFile(identityFile, `${created.identity}\n`, { mode: 0o600 })
})

afterAll(() => rm(folder, { recursive: true }))

beforeEach(({ skip }) => {
  if (NO_TERMINAL !== null) skip(NO_TERMINAL)
})

/** The figure of a label, on the screen or in the summary. */
function figure(text: string, label: string): number {
  const [, digits] = text.match(new RegExp(`${label} +([\\d,]+)`)) ?? []
  if (digits === undefined) throw new Error(`no figure for ${label} in:\n${text}`)
  return Number(digits.replaceAll(",", ""))
}

function addsUp(text: string): void {
  const parts = ["stored", "duplicates", "quarantined", "left"].map((label) => figure(text, label))
  expect(parts.reduce((sum, part) => sum + part, 0)).toBe(figure(text, "received"))
}

/** The terminal as it was before, with the summary below what stood there. */
async function isRestored(terminal: RealTerminal): Promise<string> {
  const text = await terminal.text()
  expect(terminal.isAlternate()).toBe(false)
  expect(terminal.isCursorShown()).toBe(true)
  expect(text).toMatch(/^process \d+\n/)
  expect(text).toMatch(/^settings as before$/m)
  return text
}

describe("peppermill on a terminal", () => {
  test("drains, pauses, shows what was refused, recovers one value on the record, and leaves", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false })
    const bodies = Array.from({ length: GOOD }, (_, n) =>
      login({ user_id: `u-${n}`, ip: `198.18.${n >> 8}.${n & 255}` }),
    )
    stub.send([...bodies, ...Array<string>(MALFORMED).fill("{")])
    await using terminal = await openTerminal(["--identity", identityFile], {
      env: { ...drainEnv(stub, database.url), PEPPERMILL_VAULT_RECIPIENTS: recipient },
      mayShow: { pty: ["address"] },
    })

    await terminal.sees(/\+ in hand +0\b/)
    await terminal.sees(new RegExp(`received +${GOOD + MALFORMED}\\b`))
    await terminal.sees(new RegExp(`= stored +${GOOD}\\b`))
    await terminal.sees(new RegExp(`\\+ quarantined +${MALFORMED}\\b`))
    await terminal.sees(/\+ left in queue +0\b/)
    await terminal.sees(/idle/)

    terminal.type("p")
    await terminal.sees(/paused/)
    // A long poll that was out when p was pressed may still bring something.
    await vi.waitFor(() => expect(stub.pending()).toBe(0), { timeout: 60_000 })
    stub.send([login({ user_id: "u-late" })])
    await terminal.sees(/waiting +1\b/)
    expect(figure(await terminal.text(), "received")).toBe(GOOD + MALFORMED)
    terminal.type("p")
    await terminal.sees(new RegExp(`received +${GOOD + MALFORMED + 1}\\b`))

    terminal.type("2")
    await terminal.sees(new RegExp(`${MALFORMED} refused messages in 1 group`))
    await terminal.sees(new RegExp(`${MALFORMED} +not-json`))

    const rows = await database.query<{ masked_ip: string }>(
      "select masked_ip from user_logins where user_id = 'u-300'",
    )
    terminal.type("3")
    await terminal.sees(/Enter begins to type/)
    terminal.type(`\r${rows[0]?.masked_ip}`)
    await terminal.sees(/reads as a token/)
    terminal.type("\rabuse report of today\r\r")
    await terminal.sees(/Enter writes the request/)
    terminal.type("\r")
    await terminal.sees(/Approved, as policy asks for no one else/)
    expect(terminal.raw()).not.toContain("198.18.1.44")
    terminal.type("\r")
    await terminal.sees(/Type release:/)
    terminal.type("release\r")
    await terminal.sees(/ip +u-300 +198\.18\.1\.44 +verified/)
    terminal.type("4")
    await terminal.sees(/release +done/)
    await terminal.sees(/request +done/)
    expect(await terminal.text()).not.toContain("198.18.1.44")
    terminal.type("3")
    await terminal.sees(/Hidden, because you left the screen/)
    expect(await terminal.text()).not.toContain("198.18.1.44")

    terminal.type("q")
    expect(await terminal.ended).toBe(0)
    const summary = await isRestored(terminal)
    addsUp(summary)
    expect(figure(summary, "stored")).toBe(GOOD + 1)
    expect(figure(summary, "quarantined")).toBe(MALFORMED)
    expect(summary).not.toContain("198.18.1.44")
    await stub.close()
  }, 180_000)

  test("told to terminate in the middle, commits what it holds, and gives the terminal back", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({
      log: false,
      script({ operation }, queue) {
        // More than any receive takes: this queue has no end.
        if (operation === "ReceiveMessage") queue.send(Array<string>(20).fill(login()))
        return undefined
      },
    })
    await using terminal = await openTerminal([], { env: drainEnv(stub, database.url) })
    await terminal.sees(/= stored +(\d,)?\d{3}\b/)
    terminal.signal("SIGTERM")
    expect(await terminal.ended).toBe(143)

    const summary = await isRestored(terminal)
    addsUp(summary)
    expect(summary).toMatch(/stopped before the queue was empty/)
    const [stored] = await database.query("select count(*)::int as count from user_logins")
    expect(stored).toEqual({ count: figure(summary, "stored") })
    expect(stub.queue.counts().inFlight).toBe(0)
    await stub.close()
  }, 180_000)

  test("stands a storm of a hundred sizes, down to 1×1, and drains on", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false })
    await using terminal = await openTerminal([], { env: drainEnv(stub, database.url) })
    await terminal.sees(/idle/)
    for (let n = 0; n < 100; n++) {
      terminal.resize(1 + ((n * 37) % 200), 1 + ((n * 23) % 60))
      if (n % 5 === 0) stub.send([login({ user_id: `u-${n}` })])
    }
    terminal.resize(1, 1)
    terminal.resize(110, 32)
    await terminal.sees(/= stored +20\b/)
    terminal.type("q")
    expect(await terminal.ended).toBe(0)
    expect(figure(await isRestored(terminal), "stored")).toBe(20)
    await stub.close()
  }, 180_000)

  test("loses nothing when its terminal is closed", async () => {
    await using database = await createDatabase()
    let sent = 0
    const stub = await startSqsStub({
      log: false,
      script({ operation }, queue) {
        if (operation === "ReceiveMessage") sent += queue.send(Array<string>(12).fill(login())).length
        return undefined
      },
    })
    await using terminal = await openTerminal([], { env: drainEnv(stub, database.url) })
    await terminal.sees(/= stored +(\d,)?\d{3}\b/)
    await terminal.close()
    const { visible, inFlight } = stub.queue.counts()
    expect(inFlight).toBe(0)
    const [stored] = await database.query("select count(*)::int as count from user_logins")
    expect(stored).toEqual({ count: sent - visible })
    await stub.close()
  }, 180_000)

  test("shows somebody else's approval without being started again", async () => {
    await using database = await createDatabase()
    await database.query("update vault.policy set approvals = 1")
    const stub = await startSqsStub({ log: false })
    stub.send([login()])
    const { url } = await database.login("peppermill_writer", "peppermill_recoverer")
    await using terminal = await openTerminal(["--identity", identityFile], {
      env: { ...drainEnv(stub, url), PEPPERMILL_VAULT_RECIPIENTS: recipient },
      mayShow: { pty: ["address"] },
    })
    await terminal.sees(/= stored +1\b/)
    const [row] = await database.query<{ masked_ip: string }>("select masked_ip from user_logins")
    terminal.type("3")
    await terminal.sees(/Enter begins to type/)
    terminal.type(`\r${row?.masked_ip}`)
    await terminal.sees(/reads as a token/)
    terminal.type("\rabuse report of today\r\r")
    await terminal.sees(/Enter writes the request/)
    terminal.type("\r")
    await terminal.sees(/Waiting for 1 approval by another user/)

    const approver = await openDatabase((await database.login("peppermill_approver")).address, {
      poolSize: 1,
    })
    const [request] = await pendingRequests(approver)
    await approveRequest(approver, request?.id ?? "")
    await approver.destroy()
    await terminal.sees(/Approved by|Type release:/)
    terminal.type("\r")
    await terminal.sees(/Type release:/)
    terminal.type("release\r")
    await terminal.sees(/ip +u-1 +203\.0\.113\.77 +verified/)
    terminal.type("q")
    expect(await terminal.ended).toBe(0)
    await stub.close()
  }, 180_000)
})
