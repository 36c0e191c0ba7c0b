/**
 * Drains at a steady rate for a long time, and fails when memory grows.
 *
 *     npm run soak [-- minutes [messages per second]]        default: 30 minutes, 500 messages a second
 *
 * Two drains share the work: the executable, of which the system tells memory
 * and open files, and the same program with a probe in it, which also tells the
 * delay of its event loop and, once a minute, what is in use right after a full
 * garbage collection. The vault is on, half of the values are new, one message
 * in a thousand is malformed. Every minute is printed; at the end how memory
 * rose after the warm-up, and that nothing was lost or doubled.
 *
 * Memory of its own swings by 10 MB with the collector's moods. So each minute counts
 * with its least, and a rise beyond twice its standard error; what is in use swings
 * by far less, and finds the small leaks. Needs Linux, for /proc.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { loadavg, tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import pg from "pg"
import { bundle } from "../../scripts/bundle.mjs"
import { drainEnv, peppermill } from "../binary.ts"
import { startSqsStub } from "../sqs-stub.ts"
import { startPostgres } from "../start-postgres.ts"
import { createIdentity } from "../vault/keys.ts"
import { type Drainer, startBinary, startProbed } from "./drainer.ts"
import { median, trend } from "./trend.ts"

const MAX_RISE_MB = 1
const MALFORMED_ONE_IN = 1_000
const TICK_MS = 100

/** What waits at the end gets this long. On a busy machine some of it may stay in the queue, where it is not lost. */
const EMPTYING_MS = 60_000

const [minutes = 30, perSecond = 500] = process.argv.slice(2).map(Number)
// Memory still fills up: caches, compiled code, the heap's own sizes.
const warmUpMinutes = Math.min(10, Math.floor(minutes / 3))

const postgres = await startPostgres()
const stub = await startSqsStub({ log: false })
const folder = mkdtempSync(join(tmpdir(), "peppermill-soak-"))
const env = {
  ...drainEnv(stub, postgres.url),
  PEPPERMILL_QUEUE_POLLERS: "4",
  PEPPERMILL_OBSERVE_LOG_LEVEL: "error",
  PEPPERMILL_QUEUE_WAIT_SECONDS: "5",
  PEPPERMILL_VAULT_RECIPIENTS: (await createIdentity()).recipient,
}
const init = await peppermill(["init"], { env })
if (init.status !== 0) throw new Error(init.stderr)
const root = join(import.meta.dirname, "../..")
await bundle(root, join(folder, "main.mjs"), { version: "soak", commit: "soak", date: "soak" })

const drainers = [startBinary(env), startProbed(join(folder, "main.mjs"), env)]
const own = drainers.map((): number[] => [])
const inUse: number[] = []
const files = drainers.map((): number[] => [])
let sent = 0
let malformed = 0

const startedMs = performance.now()
const sender = setInterval(() => {
  const due = Math.floor(((performance.now() - startedMs) / 1000) * perSecond)
  stub.send(Array.from({ length: Math.max(0, due - sent) }, nextBody))
}, TICK_MS)

say(
  `${minutes} min at ${perSecond} messages/s; warm-up ${warmUpMinutes} min; memory of its own (RssAnon), the least of each minute`,
)
for (let minute = 1; minute <= minutes; minute++) await watchMinute(minute)
clearInterval(sender)
process.exitCode = (await conclude()) ? 0 : 1
await stub.close()
await postgres.stop()
rmSync(folder, { recursive: true })

function nextBody(): string {
  sent++
  if (sent % MALFORMED_ONE_IN === 0) {
    malformed++
    return `{"user_id":"person-${sent}","ip":"not an address"}`
  }
  // Every other login is of somebody seen before, from a device and an address seen before.
  const person = sent % 2 === 0 ? sent : (sent * 7_919) % 50_000
  return JSON.stringify({
    user_id: `person-${person}`,
    app_version: `2.${person % 40}.0`,
    device_type: person % 3 === 0 ? "ios" : "android",
    ip: `2001:db8::${(person >>> 16).toString(16)}:${(person & 0xffff).toString(16)}`,
    locale: "DE",
    device_id: `device-${person}`,
  })
}

async function watchMinute(minute: number): Promise<void> {
  const samples = drainers.map((): number[] => [])
  const before = drainers.map((drainer) => drainer.look().cpuSeconds)
  const untilMs = startedMs + minute * 60_000
  while (performance.now() < untilMs) {
    await sleep(Math.min(1_000, Math.max(0, untilMs - performance.now())))
    for (const [i, drainer] of drainers.entries()) samples[i]?.push(drainer.look().anonymousMb)
  }
  const { visible, inFlight } = stub.queue.counts()
  const parts = drainers.map((drainer, i) => {
    const now = drainer.look()
    const leastMb = Math.min(...(samples[i] ?? []))
    if (minute > warmUpMinutes) {
      own[i]?.push(leastMb)
      files[i]?.push(now.files)
      const inside = drainer.inside()
      if (inside !== null) inUse.push(inside.liveMb)
    }
    const cpu = (((now.cpuSeconds - (before[i] ?? 0)) / 60) * 100).toFixed(0)
    return `${drainer.name}: ${leastMb.toFixed(1)} MB, ${now.files} files, CPU ${cpu} %${insideText(drainer)}`
  })
  say(`${String(minute).padStart(3)}  sent ${sent}, waiting ${visible + inFlight} · ${parts.join(" · ")}`)
}

function insideText(drainer: Drainer): string {
  const inside = drainer.inside()
  if (inside === null) return ""
  const [p50, p99, max] = [inside.p50Ms, inside.p99Ms, inside.maxMs].map((ms) => ms.toFixed(1))
  return `, loop delay p50 ${p50} p99 ${p99} max ${max} ms, ${inside.handles} handles, in use ${inside.liveMb.toFixed(1)} MB`
}

/** @returns Whether memory held still and every message is where it belongs. */
async function conclude(): Promise<boolean> {
  const emptyByMs = performance.now() + EMPTYING_MS
  while (performance.now() < emptyByMs && stub.queue.counts().visible + stub.queue.counts().inFlight > 0)
    await sleep(500)
  const summaries = await Promise.all(drainers.map((drainer) => drainer.stop()))
  const total = (key: "received" | "stored" | "duplicates" | "quarantined" | "left") =>
    summaries.reduce((sum, summary) => sum + summary[key], 0)
  const rows = await countRows()
  const left = stub.queue.counts().visible + stub.queue.counts().inFlight
  say(
    `sent ${sent}: ${rows.logins} rows, ${rows.quarantine} quarantined, ${left} left, ` +
      `${total("duplicates")} delivered twice; load ${loadavg()[0]?.toFixed(1)}`,
  )
  const whole =
    rows.logins + rows.quarantine + left === sent &&
    total("stored") === rows.logins &&
    total("quarantined") === rows.quarantine &&
    (left > 0 || rows.quarantine === malformed)
  if (!whole) say("FAILED: messages are missing or doubled")
  for (const [i, drainer] of drainers.entries()) say(`${drainer.name}: ${median(files[i] ?? [])} files open`)
  const steady = [
    ...drainers.map((drainer, i) => isSteady(`${drainer.name}, memory of its own`, own[i] ?? [])),
    isSteady("in use after a collection", inUse),
  ]
  return whole && steady.every(Boolean)
}

function isSteady(name: string, minutes: readonly number[]): boolean {
  const { rise, error } = trend(minutes)
  const [rose, twice] = [rise * 10, error * 20]
  const steady = rose - twice < MAX_RISE_MB
  const words = `${rose >= 0 ? "+" : ""}${rose.toFixed(2)} ± ${twice.toFixed(2)} MB per 10 min`
  say(`${name}: ${median(minutes).toFixed(0)} MB, ${words}: ${steady ? "steady" : "FAILED"}`)
  return steady
}

async function countRows(): Promise<{ logins: number; quarantine: number }> {
  const client = new pg.Client({ connectionString: postgres.url })
  await client.connect()
  const { rows } = await client.query(
    "select (select count(*)::int from user_logins) logins, (select count(*)::int from vault.quarantine) quarantine",
  )
  await client.end()
  return rows[0]
}

function say(words: string): void {
  process.stdout.write(`${words}\n`)
}
