import { sql } from "kysely"
import type { Decoded } from "../decode/decode.ts"
import type { EventShape } from "../decode/event-shape.ts"
import type { MaskEvent } from "../mask/mask.ts"
import { writeBisecting } from "../sink/bisect.ts"
import type { Database } from "../sink/connection.ts"
import { storeDataKey } from "../sink/data-keys.ts"
import { judge } from "../sink/database-error.ts"
import { type EventColumn, eventColumns } from "../sink/event-columns.ts"
import { writeParameters } from "../sink/parameters.ts"
import type { Row } from "../sink/sink.ts"
import { type WriteItem, writeItems } from "../sink/write-items.ts"
import { createVault, type Vault } from "../vault/vault.ts"
import { beginJob, inJob, type Job, type Why } from "./job.ts"
import { openReject } from "./open.ts"
import { type Chosen, SEALED_MESSAGE, type SealedMessage, uuids } from "./quarantine.ts"
import { createUnwrappedKeys } from "./unwrapped-keys.ts"

/** What a replay takes: the configuration of today, and the identities of those who may open. */
export interface Replaying {
  readonly shape: EventShape
  readonly decode: (body: string) => Decoded
  readonly mask: MaskEvent
  /** Whom the originals are sealed for. None: no originals are kept. */
  readonly recipients: readonly string[]
  readonly identities: readonly string[]
  /** Seconds to keep trying to store a data key. */
  readonly retrySeconds: number
  /** Messages of one transaction at most. */
  readonly rows?: number
}

/** What came of a replay. Every message that was looked at is counted once. */
export interface Replayed {
  readonly stored: number
  /** Still rejected, by reason; they stay in quarantine. */
  readonly rejected: Readonly<Record<string, number>>
  /** Could not be opened with these identities, or were tampered with; they stay. */
  readonly unopened: number
  /** Taken by another replay meanwhile. */
  readonly gone: number
}

/**
 * Decode quarantined messages once more, and store those that are good now:
 * row, originals and the removal from the quarantine in one transaction. Killed
 * at any point and run again, it stores each exactly once.
 *
 * It takes `peppermill_keeper`, who needs no rights on the event table.
 *
 * @throws UserError when the vault refuses, or the database does.
 */
export async function replay(
  db: Database,
  chosen: Chosen,
  why: Why,
  replaying: Replaying,
): Promise<Replayed> {
  const { shape, recipients, retrySeconds, identities, rows: limit = 200 } = replaying
  const { reason, ticket } = why
  const job = await beginJob(
    db,
    "quarantine-replay",
    sql`vault.begin_replay(${chosen.reasonCode}, ${uuids(chosen.ids)}::uuid[], ${reason}, ${ticket})`,
  )
  const vault =
    recipients.length === 0
      ? null
      : createVault({ recipients, shape, storeDataKey: (key) => storeDataKey(db, key, retrySeconds) })
  using keys = createUnwrappedKeys(identities)
  const columns = eventColumns(shape)
  const rejected: Record<string, number> = {}
  const total = { stored: 0, unopened: 0, gone: 0 }
  try {
    for (let after: string | null = null; ; ) {
      const page = await readPage(db, job, after, limit)
      const last = page.at(-1)
      if (last === undefined) return { ...total, rejected }
      after = last.messageId
      await vault?.ready()
      const good: Row[] = []
      for (const message of page) {
        const key = await keys.of(message.dataKeyId, message.wrapped)
        const body = key && openReject(key, message)
        if (body === null) {
          total.unopened++
          continue
        }
        const row = rowOf(message, body, replaying, vault)
        if (typeof row === "string") rejected[row] = (rejected[row] ?? 0) + 1
        else good.push(row)
      }
      if (good.length === 0) continue
      const items = writeItems({ rows: good, rejects: [], erasures: null }, columns)
      const { written, refused } = await writeBisecting(
        items,
        (part) => store(db, job, shape, columns, part),
        (error) => error instanceof Unstorable,
      )
      const stored = written.reduce((sum, count) => sum + count, 0)
      total.stored += stored
      total.gone += items.length - refused.length - stored
      if (refused.length > 0) rejected["not-storable"] = (rejected["not-storable"] ?? 0) + refused.length
    }
  } finally {
    vault?.close()
  }
}

/** The event table refuses a row of them. */
class Unstorable extends Error {
  override readonly name = "Unstorable"
}

async function readPage(
  db: Database,
  job: Job,
  after: string | null,
  limit: number,
): Promise<readonly SealedMessage[]> {
  return inJob(db, job, async (tx) => {
    const { rows } = await sql<SealedMessage>`
      select ${SEALED_MESSAGE} from vault.replay_page(${job.id}, ${after}::uuid, ${limit})`.execute(tx)
    return rows
  })
}

/** The row that a message gives now, or the reason why it still gives none. */
function rowOf(
  { messageId, sentAtMs }: SealedMessage,
  body: string,
  { shape, decode, mask }: Replaying,
  vault: Vault | null,
): Row | string {
  const decoded = decode(body)
  if (!decoded.ok) return decoded.rejection.reason
  const { event } = decoded
  const tokens = mask(event)
  const clear = shape.fields
    .filter((field) => field.mask)
    .flatMap(({ name: field }, index) => {
      const [value, token] = [event.masked[index], tokens[index]]
      return value && token ? [{ field, token, value: value.original }] : []
    })
  const originals = vault?.sealOriginals(event.subject, clear) ?? []
  return { messageId, sentAtMs, plain: event.plain, tokens, originals }
}

async function store(
  db: Database,
  job: Job,
  shape: EventShape,
  columns: readonly EventColumn[],
  items: readonly WriteItem[],
): Promise<number> {
  const { rows, originals } = writeParameters(items, columns)
  const [rowIds = [], ...values] = rows
  const [originalIds = [], subjects = [], fields = [], tokens = [], dataKeys = [], sealed = []] = originals
  const rowItems = rowIds.map((message, at) => ({
    message,
    row: Object.fromEntries(columns.map(({ name }, index) => [name, values[index]?.[at] ?? null])),
  }))
  const originalItems = originalIds.map((message, at) => ({
    message,
    subject: subjects[at],
    field: fields[at],
    token: tokens[at],
    dataKey: hex(dataKeys[at]),
    sealed: hex(sealed[at]),
  }))
  return inJob(db, job, async (tx) => {
    const answer = await sql<{ stored: number }>`
      select stored from vault.replay(${job.id}, ${shape.table},
        ${JSON.stringify(rowItems)}::jsonb, ${JSON.stringify(originalItems)}::jsonb)`
      .execute(tx)
      .catch((error: unknown) => {
        throw judge(error)?.action === "data" ? new Unstorable("a row was refused", { cause: error }) : error
      })
    return answer.rows[0]?.stored ?? 0
  })
}

const hex = (bytes: unknown) => Buffer.from(bytes as Uint8Array).toString("hex")
