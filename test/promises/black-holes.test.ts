import { expect, test } from "vitest"
import type { Ended } from "../binary.ts"
import { startSecretsManagerStub } from "../secrets-manager-stub.ts"
import { report, seedOf } from "./report.ts"
import { NO_DIFFERENCES } from "./wire/checker.ts"
import type { Saying } from "./wire/sayings.ts"
import { startSpeechless, startUnconnectable } from "./wire/silent-servers.ts"
import { drainUntilEmpty, openSite, type SiteOptions } from "./wire/site.ts"
import type { Chunk, Fate } from "./wire/wire-proxy.ts"

/** As short as they can be set; what has no setting is fixed in the program. */
const SET = {
  DATABASE_CONNECT_SECONDS: "2",
  DATABASE_STATEMENT_SECONDS: "1",
  DATABASE_RETRY_SECONDS: "0",
  QUEUE_RETRY_SECONDS: "0",
}
const CONNECT_MS = 2_000
/** Five seconds beyond what the server gives a statement. */
const QUERY_MS = 6_000
/** A second of waiting, seven for the answer. */
const RECEIVE_MS = 8_000
const CALL_MS = 10_000
const SECRET_MS = 10_000

interface Hung {
  readonly ended: Ended
  /** From the first byte that vanished to the end of the process. */
  readonly tookMs: number
}

const seed = seedOf()

/** Everything that `isDark` picks vanishes, from its first chunk on. */
async function hangOnWire(
  isDark: (chunk: Chunk) => boolean,
  options: Partial<SiteOptions> = {},
): Promise<Hung> {
  await using site = await openSite({ seed, ...options, set: { ...SET, ...options.set } })
  site.send(30)
  const worker = site.worker()
  let sinceMs = 0
  const ended = await worker.run(() => (chunk): Fate => {
    if (!isDark(chunk))
      return chunk.says.some(isStored) && options.set !== undefined ? { delayMs: 3_000 } : "pass"
    sinceMs ||= Date.now()
    return "hole"
  })
  const tookMs = Date.now() - sinceMs
  await drainUntilEmpty(worker)
  expect(await site.check(), "once it answers again").toEqual(NO_DIFFERENCES)
  return { ended, tookMs }
}

const isStored = (saying: Saying) => saying.kind === "committed" && saying.ids.length > 0
const calls = (operation: string) => (chunk: Chunk) =>
  chunk.says.some((saying) => saying.kind === "request" && saying.operation === operation)

/** From the first chunk that says so, the whole link. */
function linkFrom(isFirst: (chunk: Chunk) => boolean): (chunk: Chunk) => boolean {
  let link: string | undefined
  return (chunk) => {
    if (isFirst(chunk)) link ??= chunk.link
    return chunk.link === link
  }
}

/** A run whose settings lead it to a silent server. */
async function hangAt(
  server: { waitedForMs(): Promise<number> },
  set: Readonly<Record<string, string>>,
): Promise<Hung> {
  await using site = await openSite({ seed, set: { ...SET, ...set } })
  const [sinceMs, [ended, endMs]] = await Promise.all([
    server.waitedForMs(),
    site
      .worker()
      .run()
      .then((one) => [one, Date.now()] as const),
  ])
  return { ended, tookMs: endMs - sinceMs }
}

const POINTS: Readonly<Record<string, { readonly timeoutMs: number; readonly hang: () => Promise<Hung> }>> = {
  "connecting to the database": {
    timeoutMs: CONNECT_MS,
    async hang() {
      await using server = await startUnconnectable()
      return await hangAt(server, { DATABASE_URL: `postgres://u:p@127.0.0.1:${server.port}/d` })
    },
  },
  "TLS with the database": {
    timeoutMs: CONNECT_MS,
    async hang() {
      await using server = await startSpeechless("S")
      return await hangAt(server, {
        DATABASE_URL: `postgres://u:p@127.0.0.1:${server.port}/d?sslmode=verify-full`,
      })
    },
  },
  "a query": {
    timeoutMs: QUERY_MS,
    hang: () => hangOnWire(linkFrom((chunk) => chunk.says.some(({ kind }) => kind === "write"))),
  },
  "a commit": {
    timeoutMs: QUERY_MS,
    hang: () => hangOnWire(linkFrom((chunk) => chunk.says.some(isStored))),
  },
  "a receive": { timeoutMs: RECEIVE_MS, hang: () => hangOnWire(linkFrom(calls("ReceiveMessage"))) },
  "a delete": { timeoutMs: CALL_MS, hang: () => hangOnWire(linkFrom(calls("DeleteMessageBatch"))) },
  "a secret": {
    timeoutMs: SECRET_MS,
    async hang() {
      let asked: (ms: number) => void = () => {}
      const askedMs = new Promise<number>((resolve) => {
        asked = resolve
      })
      const secrets = await startSecretsManagerStub({ key: "hang" }, { onRequest: () => asked(Date.now()) })
      try {
        return await hangAt(
          { waitedForMs: () => askedMs },
          { MASKING_KEYS: "k1=aws-sm:key", SECRETS_ENDPOINT: secrets.endpoint },
        )
      } finally {
        await secrets.close()
      }
    },
  },
  // Its commit takes long enough for a heartbeat. That one is given up, and the run goes on.
  "a heartbeat": {
    timeoutMs: CALL_MS,
    hang: () => hangOnWire(calls("ChangeMessageVisibilityBatch"), { set: { QUEUE_VISIBILITY_SECONDS: "1" } }),
  },
}

test("nothing that never answers is waited for longer than its timeout and a second", async () => {
  const took = await Promise.all(
    Object.entries(POINTS).map(async ([point, { timeoutMs, hang }]) => {
      const { ended, tookMs } = await hang()
      return { point, timeoutMs, tookMs, status: ended.status, stderr: ended.stderr }
    }),
  )
  process.stdout.write(took.map(({ point, tookMs }) => `${point} ${tookMs} ms\n`).join(""))
  for (const { point, timeoutMs, tookMs, status, stderr } of took) {
    expect(status, `${point}: ${stderr}`).toBe(point === "a heartbeat" ? 0 : 69)
    expect(tookMs, `${point}: ${stderr}`).toBeLessThanOrEqual(timeoutMs + 1_000)
  }
  const most = Math.max(...took.map(({ timeoutMs, tookMs }) => tookMs - timeoutMs))
  report("P12", `${took.length} black holes: each ended within its timeout, ${most} ms more at most`, seed)
}, 180_000)
