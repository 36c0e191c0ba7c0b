import { randomBytes } from "node:crypto"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import type { Rejection } from "../decode/event-shape.ts"
import { type Drain, drain } from "../drain.ts"
import { createDrainControl } from "../drain-control.ts"
import { addEvent, NO_TOTALS, type Outcome } from "../drain-event.ts"
import type { Io } from "../io.ts"
import { isToken } from "../mask/token.ts"
import { openDatabaseOf, openDrain, openSettings } from "../open.ts"
import { setUp } from "../set-up.ts"
import { firstRows, mostRepeated, rowsHolding } from "../sink/inspect.ts"
import { type Summary, summarize } from "../summary.ts"
import { demoEvents } from "./events.ts"
import { startDemoQueue } from "./queue.ts"
import { type DemoResult, demoText } from "./report.ts"
import { showWayBack } from "./way-back.ts"

const EVENTS = 500

/**
 * `peppermill demo`: the whole job on an SQS and a PostgreSQL inside this
 * process. Nothing is read from outside and nothing is left behind.
 */
export async function runDemo(
  io: Io,
  options: { readonly json?: boolean; readonly events?: number },
): Promise<void> {
  const progress = (words: string) => io.err(`peppermill: ${words}\n`)
  const { bodies, clearValues } = demoEvents(options.events ?? EVENTS)
  const queue = await startDemoQueue()
  const identity = await generateX25519Identity()
  progress(`an SQS in this process holds ${bodies.length} login events`)
  const configured = await openSettings({
    cwd: io.cwd,
    file: null,
    env: { PEPPERMILL_MASK_KEY: randomBytes(32).toString("hex") },
    overrides: {
      "queue.url": queue.url,
      "queue.region": queue.region,
      "queue.waitSeconds": "1",
      "database.url": "pglite:memory",
      "vault.recipients": await identityToRecipient(identity),
    },
  })
  // The queue in this process believes everybody; the SDK signs all the same.
  const credentials = async () => ({ accessKeyId: "demo", secretAccessKey: "demo" })
  const settings = { ...configured, credentials }
  const db = await openDatabaseOf(settings)
  try {
    await setUp(db, settings, { partitioned: null })
    progress("a PostgreSQL in this process has the tables and the vault; draining")
    await queue.send(bodies)
    const open = await openDrain(
      settings,
      { follow: false, maxMessages: null, maxSeconds: null },
      { database: db, readsFiles: true },
    )
    const rejected: Rejection[] = []
    const summary = await drainAll(open.drain, (rejection) => rejected.push(rejection))
    await open.close()
    const repeats = await mostRepeated(db, settings.shape, 3)
    const rows = await firstRows(db, settings.shape, 5)
    // With very few events nothing may repeat; then any token will do.
    const token = repeats[0]?.token ?? Object.values(rows[0] ?? {}).find(isToken) ?? ""
    const result: DemoResult = {
      schema: 1,
      summary,
      rejected,
      rows,
      repeats,
      wayBack: await showWayBack(db, settings, token, identity),
      clearValues: clearValues.length,
      rowsHoldingClearValues: await rowsHolding(db, settings.shape, clearValues),
    }
    io.out(options.json ? `${JSON.stringify(result)}\n` : demoText(result))
  } finally {
    await db.destroy()
    await queue.close()
  }
}

async function drainAll(d: Drain, onRejection: (rejection: Rejection) => void): Promise<Summary> {
  const startedMs = d.clock.now()
  let totals = NO_TOTALS
  let ended: { outcome: Outcome; heldByOthers: number } = { outcome: "failed", heldByOthers: 0 }
  for await (const event of drain(d, createDrainControl())) {
    totals = addEvent(totals, event)
    if (event.type === "rejected") onRejection(event.rejection)
    if (event.type === "finished") ended = event
  }
  return summarize(totals, { ...ended, durationMs: d.clock.now() - startedMs })
}
