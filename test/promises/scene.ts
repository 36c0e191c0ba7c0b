import { expect } from "vitest"
import type { Summary } from "../../src/summary.ts"
import { drainEnv, type Ended, MASK_KEY, peppermill, type RunOptions } from "../binary.ts"
import { createDatabase } from "../database.ts"
import { login } from "../shape.ts"
import { type StubOptions, startSqsStub } from "../sqs-stub.ts"
import { createIdentity } from "../vault/keys.ts"
import { LONG } from "./report.ts"

/** What the messages of a scene have in their masked fields begins so. */
const DEVICE = "canary-device"
const ADDRESS = "198.18."

/** A drain that takes longer hangs. */
const LIMIT_MS = LONG ? 600_000 : 60_000

/** Logins of different people, whose masked values are recognised wherever they turn up. */
export const tellTales = (count: number, from = 0): string[] =>
  Array.from({ length: count }, (_, n) =>
    login({
      user_id: `u-${from + n}`,
      // There are 65,536 of them. Later people share them with earlier ones.
      ip: `${ADDRESS}${((from + n) >> 8) & 255}.${(from + n) & 255}`,
      device_id: `${DEVICE}-${from + n}`,
    }),
  )

/** A queue, a database with a vault, and the executable between them. */
export async function openScene(options: StubOptions = {}) {
  const database = await createDatabase()
  const stub = await startSqsStub(options)
  const { identity, recipient } = await createIdentity()
  const { url } = await database.login("peppermill_writer")
  const env: Record<string, string> = {
    ...drainEnv(stub, url),
    PEPPERMILL_QUEUE_POLLERS: "2",
    PEPPERMILL_VAULT_RECIPIENTS: recipient,
  }
  let sent = 0
  const count = async (table: string) => {
    const [row] = await database.query<{ n: number }>(`select count(*)::int as n from ${table}`)
    return row?.n ?? 0
  }

  return {
    database,
    stub,
    env,
    url,
    identity,
    user: new URL(url).username,
    rows: () => count("user_logins"),
    send(bodies: readonly string[], sentAtMs?: number) {
      sent += bodies.length
      return stub.queue.send(bodies, sentAtMs)
    },
    /** A drain, as `--batch --json` unless told otherwise. */
    async drain(args: readonly string[] = [], { env: change = {}, ...run }: RunOptions = {}) {
      const startedMs = Date.now()
      const options = { env: { ...env, ...change }, limitMs: LIMIT_MS, ...run }
      const ended = await peppermill(["--batch", "--json", ...args], options)
      return { ...ended, durationMs: Date.now() - startedMs }
    },
    /** What must be true whatever was done to a drain. `withinMs` is how long it may have taken. */
    async holds(ended: Ended & { readonly durationMs: number }, withinMs: number): Promise<void> {
      endedWell(ended)
      expect(ended.durationMs, "it ends within its time").toBeLessThan(withinMs)
      const { visible, inFlight } = stub.queue.counts()
      const [rows, quarantined] = [await count("user_logins"), await count("vault.quarantine")]
      expect(rows + quarantined + visible + inFlight, "every message is in one place").toBe(sent)
      expect(await count("peppermill.ledger"), "nothing is stored twice").toBe(rows + quarantined)
      await everyRowHasItsTwin(database)
      const places = [ended.stdout, ended.stderr, await outsideTheVault(database)]
      for (const text of places) hasNone(text, [DEVICE, ADDRESS, MASK_KEY, identity])
      const summary = summaryOf(ended.stdout)
      if (summary !== null) addsUp(summary)
    },
    async [Symbol.asyncDispose]() {
      await stub.close()
      await database.drop()
    },
  }
}

export type Scene = Awaited<ReturnType<typeof openScene>>

/** No crash, no stack, and nothing that a terminal would obey. */
export function endedWell({ status, stdout, stderr }: Ended): void {
  expect(status, stderr).toBeTypeOf("number")
  expect(status, stderr).not.toBe(70)
  expect(stdout + stderr).not.toMatch(/^\s+at .+:\d+/m)
  expect(stdout + stderr).not.toMatch(/\b(TypeError|RangeError|Unhandled|node:internal)/)
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not be there
  expect(stdout + stderr).not.toMatch(/[\x00-\x09\x0b-\x1f\x7f-\x9f]/)
}

export function hasNone(text: string, values: readonly string[]): void {
  for (const value of values) expect(text.includes(value), `holds ${value}`).toBe(false)
}

export const summaryOf = (stdout: string): Summary | null =>
  stdout.startsWith("{") ? (JSON.parse(stdout) as Summary) : null

function addsUp({ received, stored, duplicates, quarantined, left }: Summary): void {
  expect(stored + duplicates + quarantined + left).toBe(received)
}

interface Queryable {
  query(text: string): Promise<Record<string, unknown>[]>
}

async function everyRowHasItsTwin(database: Queryable): Promise<void> {
  const alone = await database.query(`
    select from user_logins l where exists (
      select from unnest(array[l.masked_ip, l.masked_device_id]) t
      where t is not null and not exists (select from vault.originals o where o.token = t))`)
  expect(alone, "every row has its twin in the vault").toEqual([])
}

/** Every row of every table but the vault's, as text. */
export async function outsideTheVault(database: Queryable): Promise<string> {
  const tables = await database.query(
    `select format('%I.%I', schemaname, tablename) as name from pg_tables
     where schemaname not in ('vault', 'pg_catalog', 'information_schema')`,
  )
  const lines: string[] = []
  for (const { name } of tables) {
    for (const { line } of await database.query(`select t::text as line from ${String(name)} t`)) {
      lines.push(String(line))
    }
  }
  return lines.join("\n")
}
