import { sql } from "kysely"
import { canonicalText } from "../decode/decode.ts"
import type { EventShape } from "../decode/event-shape.ts"
import { UserError } from "../errors.ts"
import { createMaskField } from "../mask/mask.ts"
import type { MaskKey } from "../mask/mask-keys.ts"
import type { Token } from "../mask/token.ts"
import type { Database } from "../sink/connection.ts"
import { storeDataKey } from "../sink/data-keys.ts"
import type { SealedOriginal } from "../sink/sink.ts"
import { isServerError } from "../sink/sqlstate.ts"
import { createVault, type Vault } from "../vault/vault.ts"
import { beginJob, inJob, type Job, keepingRefusal, type Why } from "./job.ts"
import { openOriginal } from "./open.ts"
import { createUnwrappedKeys } from "./unwrapped-keys.ts"

export interface Rekeying {
  readonly from: MaskKey
  readonly to: MaskKey
  readonly shape: EventShape
  readonly identities: readonly string[]
  /** Whom the originals are sealed for anew; at least one. */
  readonly recipients: readonly string[]
  /** Seconds to keep trying to store a data key. */
  readonly retrySeconds: number
  /** Originals of one transaction at most. */
  readonly chunk?: number
  /** Told after each chunk how many originals and rows this run has moved. */
  readonly onProgress?: (originals: number, events: number) => void
}

/** What came of re-keying. */
export interface Rekeyed {
  /** Whether the old key is retired: no row and no original is under it any more. */
  readonly retired: boolean
  /** Moved by this run, a chunk at a time. */
  readonly originals: number
  readonly events: number
  /** Tokens moved, by this run and those before it: as many as there were different ones. */
  readonly classes: number
  /** Originals that do not open with these identities, are not of this event, or do not give their token. */
  readonly unopened: number
  /** Rows still under the old key, and how many different tokens they have: the vault has no original of them. */
  readonly eventsLeft: number
  readonly tokensLeft: number
  readonly originalsLeft: number
}

interface Page extends SealedOriginal {
  /** Null when the data key is no longer there. */
  readonly wrapped: Uint8Array | null
}

interface Moved {
  readonly was: Token
  readonly now: SealedOriginal
}

const START = { token: "", subject: "", field: "" }

/**
 * Move old rows to another mask key, through the vault: open each original, make
 * its token under the new key, seal it anew under that token, move the rows along.
 *
 * It goes by chunks, a transaction each. Killed at any point and run again it
 * goes on where it stopped. Writers may run meanwhile, if they mask with the new
 * key. It takes `peppermill_keeper`.
 *
 * @throws UserError of kind `data` when equal tokens would not stay equal, or different ones not different.
 */
export async function rekey(db: Database, { reason, ticket }: Why, work: Rekeying): Promise<Rekeyed> {
  const { from, to, shape, recipients, retrySeconds, chunk = 500, onProgress } = work
  const job = await beginJob(
    db,
    "rekey",
    sql`vault.begin_rekey(${shape.table}, ${from.id}, ${to.id}, ${reason}, ${ticket})`,
  )
  const vault = createVault({ recipients, shape, storeDataKey: (key) => storeDataKey(db, key, retrySeconds) })
  using keys = createUnwrappedKeys(work.identities)
  const tokensOf = createTokens(work)
  const total = { originals: 0, events: 0, unopened: 0 }
  try {
    for (let after: Pick<Page, "token" | "subject" | "field"> = START as Page; ; ) {
      const page = await readPage(db, job, after, chunk)
      const last = page.at(-1)
      if (last === undefined) break
      after = last
      await vault.ready()
      const moved: Moved[] = []
      for (const row of page) {
        const key = await keys.of(row.dataKeyId, row.wrapped)
        const value = key && openOriginal(key, shape.table, row)
        const tokens = value === null ? null : tokensOf(row.field, value)
        if (value === null || tokens?.was !== row.token) total.unopened++
        else moved.push({ was: row.token, now: sealAnew(vault, row, tokens.now, value) })
      }
      if (moved.length === 0) continue
      const { events } = await moveChunk(db, job, moved)
      total.originals += moved.length
      total.events += events
      onProgress?.(total.originals, total.events)
    }
    return { ...total, ...(await finish(db, job)) }
  } finally {
    vault.close()
  }
}

/** The tokens of an original under the old key and the new; null for a field, or a value of it, that the shape does not know. */
function createTokens({ from, to, shape }: Rekeying) {
  const fields = new Map(
    shape.fields
      .filter((field) => field.mask)
      .map((field) => {
        const [was, now] = [from, to].map((key) => createMaskField(key, shape.table, field.name))
        return [field.name, { field, was, now }]
      }),
  )
  return (name: string, original: string): { was: Token; now: Token } | null => {
    const found = fields.get(name)
    const canonical = found === undefined ? null : canonicalText(found.field, original)
    if (!found?.was || !found.now || canonical === null) return null
    return { was: found.was(canonical), now: found.now(canonical) }
  }
}

function sealAnew(vault: Vault, { subject, field }: Page, token: Token, value: string): SealedOriginal {
  const [sealed] = vault.sealOriginals(subject, [{ field, token, value }])
  if (sealed === undefined) throw new Error("the vault took an original for stored that nobody stored")
  return sealed
}

async function readPage(
  db: Database,
  job: Job,
  after: Pick<Page, "token" | "subject" | "field">,
  limit: number,
): Promise<readonly Page[]> {
  return inJob(db, job, async (tx) => {
    const { token, subject, field } = after
    const { rows } = await sql<Page>`
      select subject, field, token, data_key as "dataKeyId", sealed, wrapped
      from vault.rekey_page(${job.id}, ${token}, ${subject}, ${field}, ${limit})`.execute(tx)
    return rows
  })
}

async function moveChunk(db: Database, job: Job, moved: readonly Moved[]): Promise<{ events: number }> {
  const column = <K extends keyof SealedOriginal>(name: K) => moved.map(({ now }) => now[name])
  const { rows } = await inJob(db, job, (tx) =>
    sql<{ status: string; events: number }>`
      select status, events::float8 as events from vault.rekey(${job.id},
        ${column("subject")}::text[], ${column("field")}::text[],
        ${moved.map(({ was }) => was)}::text[], ${column("token")}::text[],
        ${column("dataKeyId").map(buffer)}::bytea[], ${column("sealed").map(buffer)}::bytea[])`
      .execute(tx)
      .catch(inWords),
  )
  return answer(rows, "done")
}

async function finish(db: Database, job: Job) {
  const { rows } = await inJob(db, job, (tx) =>
    sql<{ status: string; eventsLeft: number; tokensLeft: number; originalsLeft: number; classes: number }>`
      select status, events_left::float8 as "eventsLeft", tokens_left::float8 as "tokensLeft",
        originals_left::float8 as "originalsLeft", classes::float8 as classes
      from vault.finish_rekey(${job.id})`
      .execute(tx)
      .catch(inWords),
  )
  const { status, ...left } = answer(rows, "retired", "incomplete")
  return { retired: status === "retired", ...left }
}

function answer<T extends { readonly status: string }>(rows: readonly T[], ...good: readonly string[]): T {
  const [row] = rows
  if (row === undefined || !good.includes(row.status)) throw keepingRefusal(row?.status ?? "unknown")
  return row
}

function inWords(error: unknown): never {
  if (!isServerError(error) || error.code !== "PM002") throw error
  throw new UserError("data", "the chunk was rolled back: equal tokens would not have stayed equal", {
    hint: "run it again; if it stays so, somebody changes the tokens of the event table meanwhile",
    cause: error,
  })
}

const buffer = (bytes: Uint8Array) => Buffer.from(bytes)
