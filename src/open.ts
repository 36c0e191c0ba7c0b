import { readAuthorities } from "./config/authorities.ts"
import type { Config } from "./config/config.ts"
import { eventShape } from "./config/event-section.ts"
import { type Loaded, loadConfig } from "./config/load.ts"
import { type QueueAddress, queueAddress } from "./config/queue-url.ts"
import { createSecrets, type Secrets } from "./config/secrets.ts"
import { createDecoder } from "./decode/decode.ts"
import type { EventShape } from "./decode/event-shape.ts"
import type { Drain } from "./drain.ts"
import { drainPermissions } from "./drain-permissions.ts"
import { createMask } from "./mask/mask.ts"
import { checkValue, type MaskKeys, parseMaskKeys } from "./mask/mask-keys.ts"
import { dropPermissions } from "./sandbox.ts"
import { type Database, openDatabase, type Timeouts } from "./sink/connection.ts"
import { storeDataKey } from "./sink/data-keys.ts"
import { checkMaskKeys } from "./sink/mask-keys.ts"
import { openPGlite } from "./sink/pglite.ts"
import { createPostgresSink } from "./sink/postgres.ts"
import { pruneLedger } from "./sink/prune.ts"
import { pruneVault } from "./sink/prune-vault.ts"
import type { QueueFacts, Source, SourceRetry } from "./source/source.ts"
import { createSqsSource, type SqsSourceOptions } from "./source/sqs.ts"
import { systemClock } from "./time/clock.ts"
import { createVault } from "./vault/vault.ts"

type Env = Readonly<Record<string, string | undefined>>

/** A configuration that was read and checked, and the way to its secrets. */
export interface Settings {
  readonly loaded: Loaded
  readonly config: Config
  readonly shape: EventShape
  readonly secrets: Secrets
  readonly env: Env
  /** For the queue; by default the SDK looks for them where it always does. */
  readonly credentials?: SqsSourceOptions["credentials"]
}

/** Read the configuration. @throws UserError of kind `config`: see `loadConfig`. */
export async function openSettings(options: {
  readonly cwd: string
  readonly env: Env
  readonly file?: string | null
  readonly overrides?: Readonly<Record<string, string>>
}): Promise<Settings> {
  const loaded = await loadConfig(options)
  const { config } = loaded
  return {
    loaded,
    config,
    shape: eventShape(config),
    secrets: createSecrets(config, options.env),
    env: options.env,
  }
}

export async function openMaskKeys({ config, secrets }: Settings): Promise<MaskKeys> {
  const texts = await secrets.maskKeys()
  return parseMaskKeys(texts, config.masking.activeKey)
}

/** What turns a body into a masked event. */
export async function openDecoding(settings: Settings): Promise<Pick<Drain, "shape" | "decode" | "mask">> {
  const { shape } = settings
  const keys = await openMaskKeys(settings)
  return { shape, decode: createDecoder(shape), mask: createMask(keys.active, shape) }
}

export async function openDatabaseOf(
  settings: Settings,
  timeouts: Partial<Timeouts> = {},
): Promise<Database> {
  return (await openRereadable(settings, timeouts)).db
}

/** A database, and how to fetch its credentials anew when they were rotated. */
async function openRereadable(
  { config, secrets }: Settings,
  timeouts: Partial<Timeouts> = {},
): Promise<{ db: Database; reread: () => Promise<void> }> {
  const address = await secrets.database()
  let current = address
  const { poolSize, connectSeconds, statementSeconds } = config.database
  const statementMs = statementSeconds * 1000
  const db = await openDatabase(address, {
    poolSize,
    openPGlite,
    timeouts: { connectMs: connectSeconds * 1000, statementMs, queryMs: statementMs + 5000, ...timeouts },
    ...(address.kind === "postgres" && {
      credentials: () => (current.kind === "postgres" ? current : address),
    }),
  })
  const reread = async () => {
    current = await secrets.database({ again: true })
  }
  return { db, reread }
}

/** A source of the configured queue, and what it tells of its retries. */
export async function openSource(
  settings: Settings,
  onRetry: (retry: SourceRetry) => void,
): Promise<{ source: Source; queue: QueueAddress }> {
  const queue = queueAddress(settings.config.queue, settings.env)
  const giveUpMs = settings.config.queue.retrySeconds * 1000
  return { source: await openQueue(settings, queue, { giveUpMs, onRetry }), queue }
}

/** The dead-letter queue of the configured one: SQS has it in the same account and region. */
export async function openDeadLetterQueue(settings: Settings, arn: string): Promise<Source> {
  const queue = queueAddress(settings.config.queue, settings.env)
  const url = new URL(queue.url)
  url.pathname = url.pathname.replace(/[^/]+$/, encodeURIComponent(arn.split(":").at(-1) ?? ""))
  return openQueue(settings, { ...queue, url: url.href }, { giveUpMs: 0, onRetry: () => {} })
}

async function openQueue(
  { config, credentials }: Settings,
  { url, region, endpoint }: QueueAddress,
  retries: Pick<SqsSourceOptions, "giveUpMs" | "onRetry">,
): Promise<Source> {
  const { visibilitySeconds, transport, caFile } = config.queue
  return createSqsSource({
    queueUrl: url,
    region,
    endpoint,
    visibilitySeconds,
    transport,
    ...retries,
    ...(caFile !== null && { ca: await readAuthorities(caFile, "queue.caFile") }),
    ...(credentials !== undefined && { credentials }),
  })
}

/** Everything a drain needs, checked: nothing is received from the queue until all of it stands. */
export interface OpenDrain {
  readonly drain: Drain
  readonly queue: QueueAddress
  /** What is allowed but probably not meant. */
  readonly warnings: readonly string[]
  readonly deadLetterQueueArn: string | null
  /** Remove what is past its time. After a run, or once a day. */
  tidy(): Promise<void>
  close(): Promise<void>
}

/**
 * @param options.database - One that is open already; by default the configured one is opened, and closed with the drain.
 * @param options.readsFiles - Whether the process reads files for other ends while it drains.
 * @throws UserError saying what is missing or wrong, before the first receive.
 */
export async function openDrain(
  settings: Settings,
  bounds: {
    readonly follow: boolean
    readonly maxMessages: number | null
    readonly maxSeconds: number | null
  },
  {
    database,
    readsFiles = false,
  }: { readonly database?: Database | undefined; readonly readsFiles?: boolean } = {},
): Promise<OpenDrain> {
  const { config, shape } = settings
  const keys = await openMaskKeys(settings)
  const listeners: ((retry: SourceRetry) => void)[] = []
  const { source, queue } = await openSource(settings, (retry) => {
    for (const listener of listeners) listener(retry)
  })
  const { db, reread } =
    database === undefined ? await openRereadable(settings) : { db: database, reread: undefined }
  const { retrySeconds } = config.database
  const { recipients } = config.vault
  const sink = createPostgresSink(db, shape, {
    retrySeconds,
    vault: recipients.length > 0,
    ...(reread && { reread }),
  })
  const vault =
    recipients.length === 0
      ? null
      : createVault({ recipients, shape, storeDataKey: (key) => storeDataKey(db, key, retrySeconds) })
  const close = async () => {
    source.close()
    vault?.close()
    if (database === undefined) await db.destroy()
  }
  try {
    await sink.check()
    await checkMaskKeys(
      db,
      keys.live.map((key) => ({ id: key.id, checkValue: checkValue(key) })),
      keys.active.id,
    )
    const facts = await source.facts()
    const needed = drainPermissions(settings, await settings.secrets.database())
    dropPermissions(readsFiles ? ["fs.read", ...needed] : needed)
    const { queue: q, batch, drain } = config
    return {
      queue,
      warnings: [...settings.loaded.warnings, ...queueDoubts(facts, vault !== null)],
      deadLetterQueueArn: facts.deadLetterQueueArn,
      async tidy() {
        await pruneLedger(db)
        if (vault !== null) await pruneVault(db)
      },
      close,
      drain: {
        source,
        sink,
        shape,
        decode: createDecoder(shape),
        mask: createMask(keys.active, shape),
        vault,
        clock: systemClock,
        limits: {
          pollers: q.pollers,
          waitSeconds: q.waitSeconds,
          visibilitySeconds: q.visibilitySeconds,
          ...batch,
          ...drain,
          ...bounds,
        },
        onSourceRetry: (listener) => listeners.push(listener),
      },
    }
  } catch (error) {
    await close()
    throw error
  }
}

/** What is odd about a queue that a drain is about to work on. */
export function queueDoubts(facts: QueueFacts, vault: boolean): readonly string[] {
  const doubts: string[] = []
  if (facts.maxReceiveCount === null) {
    // With a vault they are quarantined, and do not come back.
    if (!vault)
      doubts.push("the queue has no dead-letter queue: messages that cannot be stored come back for ever")
  } else if (facts.maxReceiveCount < 3) {
    doubts.push(
      `the queue's maxReceiveCount is ${facts.maxReceiveCount}: a message may be received without reaching anybody, ` +
        "so good messages can end in the dead-letter queue",
    )
  }
  return doubts
}
