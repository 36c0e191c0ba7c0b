/**
 * `REKEY_ROWS=100000 REKEY_KILLS=10 vitest run test/promises/rekey-killed.test.ts` is the long form.
 */
import { type ChildProcessWithoutNullStreams, spawn } from "node:child_process"
import { createHash, randomInt } from "node:crypto"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { expect, test } from "vitest"
import type { Rekeyed } from "../../src/recover/rekey.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { MASK_KEY } from "../recover/setup.ts"
import { openWriter } from "../recover/writer.ts"
import { login } from "../shape.ts"
import type { RekeyWork } from "./rekey-process.ts"

const ROWS = Number(process.env["REKEY_ROWS"] ?? 1_500)
const KILLS = Number(process.env["REKEY_KILLS"] ?? 3)
const CHUNK = Math.min(500, Math.ceil(ROWS / 60))
const NEW_KEY = `${"c8".repeat(31)}07`

test(
  `re-keying ${ROWS} rows, killed ${KILLS} times and run again: the same classes, no row under the old key`,
  async () => {
    await using database = await createDatabase()
    await using writer = await openWriter(database)
    await database.query("insert into peppermill.mask_keys (id, check_value) values ('k1', 'a'), ('k2', 'b')")
    for (let n = 0; n < ROWS; n += 500) {
      const size = Math.min(500, ROWS - n)
      await writer.write(...Array.from({ length: size }, (_, at) => body(n + at)))
    }
    await database.query("analyze")
    const before = await fingerprint(database)
    const { address } = await database.login("peppermill_keeper")
    const work: RekeyWork = {
      address,
      from: Buffer.from(MASK_KEY.bytes).toString("hex"),
      to: NEW_KEY,
      identity: writer.identity,
      recipient: writer.recipient,
      chunk: CHUNK,
    }
    const [{ originals } = { originals: 0 }] = await database.query<{ originals: number }>(
      "select count(*)::int as originals from vault.originals",
    )
    // Each run is to be killed before it is through.
    const most = Math.max(1, Math.floor(originals / CHUNK / (KILLS + 1)))
    for (let kill = 0; kill < KILLS; kill++) {
      const killed = await run(work, { afterChunks: randomInt(most), thenMs: randomInt(40) })
      expect(killed).toBeNull()
      expect(await fingerprint(database)).toEqual(before)
    }
    const result = await run(work, null)
    expect(result).toMatchObject({ retired: true, unopened: 0, eventsLeft: 0, originalsLeft: 0 })
    expect(result?.classes).toBe(before.ips + before.devices)
    expect(await fingerprint(database)).toEqual(before)
    expect(await database.query(UNDER_OLD_KEY)).toEqual([{ events: 0, originals: 0, moved: 0 }])
    expect(await database.query("select count(*)::int as n from vault.originals")).toEqual([{ n: originals }])
  },
  60_000 + ROWS * 12,
)

const UNDER_OLD_KEY = `select
  (select count(*) from user_logins where masked_ip like 'k1:%' or masked_device_id like 'k1:%')::int as events,
  (select count(*) from vault.originals where token like 'k1:%')::int as originals,
  (select count(*) from vault.rekeyed)::int as moved`

/** People who share addresses and devices, some much and most a little. */
function body(n: number): string {
  const spread = Number.parseInt(createHash("sha256").update(String(n)).digest("hex").slice(0, 8), 16)
  const ip = spread % (n % 3 === 0 ? 20 : ROWS)
  return login({
    user_id: `u-${spread % Math.ceil(ROWS / 5)}`,
    ip: `10.${ip >> 16}.${(ip >> 8) & 255}.${ip & 255}`,
    device_id: `device ${spread % Math.ceil(ROWS / 4)}`,
  })
}

/** Which rows are together, whatever their tokens are: a hash of the classes' members, and how many classes there are. */
async function fingerprint(database: TestDatabase) {
  const classes = (column: string) => `
    select count(*)::int as classes, md5(string_agg(members, ';' order by members)) as hash from (
      select md5(string_agg(user_id, ',' order by user_id)) as members from user_logins group by ${column}) as c`
  const [ip] = await database.query<{ classes: number; hash: string }>(classes("masked_ip"))
  const [device] = await database.query<{ classes: number; hash: string }>(classes("masked_device_id"))
  return { ips: ip?.classes ?? 0, devices: device?.classes ?? 0, hash: [ip?.hash, device?.hash] }
}

/** Run it as a process. @returns What came of it, or null when it was killed first. */
async function run(
  work: RekeyWork,
  kill: { readonly afterChunks: number; readonly thenMs: number } | null,
): Promise<Rekeyed | null> {
  const child: ChildProcessWithoutNullStreams = spawn(
    process.execPath,
    [join(import.meta.dirname, "rekey-process.ts")],
    { stdio: "pipe" },
  )
  let said = ""
  child.stderr.on("data", (chunk) => {
    said += String(chunk)
  })
  child.stdin.end(JSON.stringify(work))
  let result: Rekeyed | null = null
  let chunks = 0
  createInterface({ input: child.stdout }).on("line", (line) => {
    if (line.startsWith("{")) result = JSON.parse(line) as Rekeyed
    if (kill !== null && chunks++ === kill.afterChunks) setTimeout(() => child.kill("SIGKILL"), kill.thenMs)
  })
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve) => {
    child.on("close", (exitCode, exitSignal) => resolve([exitCode, exitSignal]))
  })
  if (kill === null && code !== 0) throw new Error(`it failed: ${said}`)
  if (kill !== null && signal !== "SIGKILL") throw new Error(`it ended before it was killed: ${said}`)
  return result
}
