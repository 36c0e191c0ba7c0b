import { announce } from "../announce.ts"
import { listAudit } from "../audit/database.ts"
import { outcomeOf } from "../audit/outcome.ts"
import { queueName } from "../config/queue-url.ts"
import { diagnose } from "../doctor.ts"
import { drain } from "../drain.ts"
import { createDrainControl } from "../drain-control.ts"
import { addEvent, type DrainEvent, NO_TOTALS } from "../drain-event.ts"
import { UserError } from "../errors.ts"
import { EXIT, exitCodeFor } from "../exit-code.ts"
import type { Io } from "../io.ts"
import { checkValue } from "../mask/mask-keys.ts"
import { type Observation, openObservation } from "../observation.ts"
import { openDatabaseOf, openDrain, openMaskKeys, openSource, type Settings } from "../open.ts"
import { listDataKeys, listMaskKeys } from "../recover/key-ring.ts"
import { MIN_REASON, readPolicy } from "../recover/policy.ts"
import { quarantinedMessages, quarantineGroups } from "../recover/quarantine.ts"
import { release } from "../recover/release.ts"
import { requestRecovery, requestStatus } from "../recover/request.ts"
import { createTokenOf } from "../recover/token-of.ts"
import type { Database } from "../sink/connection.ts"
import type { Source } from "../source/source.ts"
import type * as ports from "./ports.ts"

export interface OpenPorts {
  readonly ports: ports.Ports
  close(): Promise<void>
}

/**
 * Everything the UI needs of the world, opened when it is first asked for: an
 * operator without a database can still read what is missing.
 *
 * @param open - Reads the configuration.
 * @param identities - Reads the identities that open originals; null when none were named.
 * @param io - Where a log goes. Nothing is written to a terminal, which shows the UI.
 * @throws UserError when `observe.listen` cannot be listened on.
 */
export async function openPorts(
  open: () => Promise<Settings>,
  identities: ((settings: Settings) => Promise<readonly string[]>) | null,
  io: Pick<Io, "err" | "stderrIsTerminal">,
): Promise<OpenPorts> {
  const blindDoctor = { checks: () => checks(open) }
  let settings: Settings
  try {
    settings = await open()
  } catch (error) {
    const missing = problemOf(error)
    const nothing = { missing }
    return {
      ports: {
        queue: null,
        database: null,
        drain: nothing,
        quarantine: nothing,
        recovery: nothing,
        audit: nothing,
        keys: nothing,
        doctor: blindDoctor,
      },
      close: async () => {},
    }
  }
  const { config, shape } = settings
  const err = io.stderrIsTerminal ? () => {} : io.err
  const quiet = { err, stderrIsTerminal: io.stderrIsTerminal }
  const watch = await openObservation(settings, quiet)
  const database = once(() => openDatabaseOf(settings))
  // An embedded database takes one owner: its folder must not be opened twice.
  const isEmbedded = async () => (await settings.secrets.database()).kind === "pglite"
  const source = once(async () => (await openSource(settings, () => {})).source)

  const queueProblem =
    config.queue.url === null
      ? { message: "queue.url is not set", hint: "set PEPPERMILL_QUEUE_URL, or queue.url" }
      : null
  const databaseProblem =
    config.database.url === null
      ? { message: "database.url is not set", hint: "set PEPPERMILL_DATABASE_URL, or database.url" }
      : null
  const offered = <T>(port: T, missing: ports.Problem | null): ports.Offered<T> =>
    missing === null ? { port } : { missing }

  return {
    ports: {
      queue: config.queue.url === null ? null : queueName(config.queue.url),
      database: databaseProblem === null ? shape.table : null,
      drain: offered(
        drainPort(settings, watch, source.get, database.get, isEmbedded),
        queueProblem ?? databaseProblem,
      ),
      quarantine: offered(quarantinePort(database.get), databaseProblem),
      recovery: offered(recoveryPort(settings, quiet, database.get, identities), databaseProblem),
      audit: offered(auditPort(database.get), databaseProblem),
      keys: offered(keysPort(settings, database.get), databaseProblem),
      doctor: { checks: () => checks(open, isEmbedded, database.get) },
    },
    async close() {
      await watch.close()
      const [db, queue] = [database.opened(), source.opened()]
      ;(await queue)?.close()
      await (await db)?.destroy()
    },
  }
}

function drainPort(
  settings: Settings,
  watch: Observation,
  source: () => Promise<Source>,
  database: () => Promise<Database>,
  isEmbedded: () => Promise<boolean>,
): ports.DrainPort {
  return {
    start() {
      const control = createDrainControl()
      async function* events() {
        try {
          yield* watchedDrain()
        } catch (error) {
          watch.failed(error, exitCodeFor(error))
          throw error
        }
      }
      async function* watchedDrain() {
        const shared = (await isEmbedded()) ? await database() : undefined
        const open = await openDrain(
          settings,
          { follow: true, maxMessages: null, maxSeconds: null },
          { database: shared, readsFiles: true },
        )
        try {
          watch.opened(open)
          yield* watched(drain(open.drain, control), watch)
          await open.tidy().catch(() => watch.log.tell({ type: "not-tidied" }))
        } finally {
          await open.close()
        }
      }
      return {
        events: events(),
        pause: control.pause,
        resume: control.resume,
        stop: () => control.stop("signal"),
        stopNow: () => control.stop("signal"),
      }
    },
    counts: async () => (await source()).counts(),
  }
}

async function* watched(events: AsyncIterable<DrainEvent>, watch: Observation) {
  const startedMs = Date.now()
  let totals = NO_TOTALS
  for await (const event of events) {
    totals = addEvent(totals, event)
    watch.see(event)
    yield event
    if (event.type !== "finished" || event.outcome === "failed") continue
    const durationMs = Date.now() - startedMs
    watch.ended({ totals, outcome: event.outcome, durationMs, exitStatus: EXIT.ok })
  }
}

function quarantinePort(database: () => Promise<Database>): ports.QuarantinePort {
  return {
    groups: async () => quarantineGroups(await database()),
    messages: async (group, limit) => quarantinedMessages(await database(), group, limit),
  }
}

function recoveryPort(
  settings: Settings,
  io: Pick<Io, "err" | "stderrIsTerminal">,
  database: () => Promise<Database>,
  identities: ((settings: Settings) => Promise<readonly string[]>) | null,
): ports.RecoveryPort {
  return {
    policy: async () => ({ ...(await readPolicy(await database())), minReason: MIN_REASON }),
    async request({ kind, value, reason, ticket }) {
      const wanted = kind === "token" ? { tokens: [value], subject: null } : { tokens: [], subject: value }
      return requestRecovery(await database(), { ...wanted, reason, ticket })
    },
    status: async (id) => requestStatus(await database(), id),
    async release(id) {
      if (identities === null) {
        throw new UserError("usage", "no identity was named, so nothing can be opened", {
          hint: "start with peppermill --identity FILE",
        })
      }
      // First, so that a release is not spent on an identity that cannot be read.
      const opened = await identities(settings)
      const keys = await openMaskKeys(settings).catch(() => null)
      const tokenOf = createTokenOf(keys?.live ?? [], settings.shape)
      const db = await database()
      const originals = await release(db, id, { table: settings.shape.table, identities: opened, tokenOf })
      const actor = async () => (await requestStatus(db, id)).requester
      await announce(settings, io, { type: "recovery", request: id, originals: originals.length, actor })
      return originals
    },
  }
}

function auditPort(database: () => Promise<Database>): ports.AuditPort {
  return {
    async records({ filter, before, limit }) {
      const query = { limit, ...(filter !== "" && { text: filter }), ...(before !== null && { before }) }
      const records = await listAudit(await database(), query)
      return records.map((record) => {
        const { outcome, why } = outcomeOf(record)
        const { position, actor, action, subject, tokens, reason, requestId } = record
        return {
          position,
          atMs: record.atMicros / 1000,
          actor,
          action,
          outcome: why === null ? outcome : `${outcome}: ${why}`,
          about: subject,
          reason,
          request: requestId,
          rows: tokens,
        }
      })
    },
  }
}

function keysPort(settings: Settings, database: () => Promise<Database>): ports.KeysPort {
  return {
    async keys() {
      const db = await database()
      const [known, dataKeys] = [await listMaskKeys(db), await listDataKeys(db)]
      const held = await openMaskKeys(settings).catch(() => null)
      const configured = settings.config.vault.recipients
      const recipients = new Set([...configured, ...dataKeys.flatMap((key) => key.recipients)])
      return {
        maskKeys: known.map(({ id, checkValue: stored, createdAtMs, retiredAtMs }) => {
          const ours = held?.live.find((key) => key.id === id)
          const check = ours === undefined ? "not held" : checkValue(ours) === stored ? "matches" : "differs"
          const state = retiredAtMs !== null ? "retired" : held?.active.id === id ? "active" : "live"
          return { id, state, createdAtMs, check }
        }),
        recipients: [...recipients].map((recipient) => ({
          recipient,
          dataKeys: dataKeys.filter((key) => key.recipients.includes(recipient)).length,
          configured: configured.includes(recipient),
        })),
        dataKeys: dataKeys.map(({ id, createdAtMs, originals, quarantined, recipients }) => ({
          id,
          createdAtMs,
          seals: originals + quarantined,
          recipients: recipients.length,
        })),
      }
    },
  }
}

async function* checks(
  open: () => Promise<Settings>,
  isEmbedded: () => Promise<boolean> = async () => false,
  database?: () => Promise<Database>,
): AsyncGenerator<ports.Check, void> {
  const shared = (await isEmbedded().catch(() => false)) ? database : undefined
  for await (const { name, status, message, hint } of diagnose(open, shared)) {
    yield { name, result: status, message, hint }
  }
}

/** Opens once, when first asked; a failure is not kept, so that the next look tries again. */
function once<T>(open: () => Promise<T>): { get(): Promise<T>; opened(): Promise<T | undefined> } {
  let opening: Promise<T> | undefined
  return {
    get() {
      opening ??= open().catch((error: unknown) => {
        opening = undefined
        throw error
      })
      return opening
    },
    opened: async () => await opening?.catch(() => undefined),
  }
}

function problemOf(error: unknown): ports.Problem {
  if (error instanceof UserError) return { message: error.message, hint: error.hint }
  throw error
}
