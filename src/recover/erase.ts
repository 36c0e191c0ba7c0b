import { sql } from "kysely"
import { UserError } from "../errors.ts"
import type { Database } from "../sink/connection.ts"
import { millis } from "./call.ts"
import { callAs } from "./call-as.ts"
import { beginJob, inJob, keepingRefusal, type Why } from "./job.ts"
import { namesSubject } from "./names-subject.ts"
import { openReject } from "./open.ts"
import { SEALED_MESSAGE, type SealedMessage } from "./quarantine.ts"
import { requestRecovery } from "./request.ts"
import { createUnwrappedKeys } from "./unwrapped-keys.ts"

const PAGE = 200

/** Originals by field. */
export type ByField = Readonly<Record<string, number>>

/** The quarantined bodies that name a person. */
export interface Scan {
  readonly messageIds: readonly string[]
  /** Bodies that these identities do not open: whom they name cannot be told. */
  readonly unopened: number
}

/** What was deleted, and the record of it. */
export interface Erasure {
  readonly originals: ByField
  readonly quarantined: number
  /** Rows of the event table whose tokens were replaced by random ones. */
  readonly severed: number
  readonly erasedAtMs: number
  /** Where the audit log has it. */
  readonly position: number
  /** 32 bytes. */
  readonly hash: Uint8Array
}

/** What came of trying to recover an erased person. */
export type Proof =
  | { readonly outcome: "not-found" }
  /** A drain has stored something of theirs since. */
  | { readonly outcome: "found"; readonly originals: number }
  /** Nobody here may recover: then the count of their originals stands for it. */
  | { readonly outcome: "not-tried"; readonly why: string; readonly originals: number }

/** Count a person's originals. Not on record, as it yields none. It takes `peppermill_eraser`, as all of this. */
export async function previewErasure(db: Database, subject: string): Promise<ByField> {
  const { rows } = await callAs(db, "peppermill_eraser", (tx) =>
    sql<{ field: string; originals: number }>`
      select field, originals::float8 as originals from vault.erase_preview(${subject})`.execute(tx),
  )
  return Object.fromEntries(rows.map(({ field, originals }) => [field, originals]))
}

/** Open every quarantined body and look for a person's name. On record before the first one is handed out. */
export async function scanQuarantine(
  db: Database,
  subject: string,
  { reason, ticket }: Why,
  identities: readonly string[],
): Promise<Scan> {
  const job = await beginJob(db, "erase-scan", sql`vault.begin_scan(${subject}, ${reason}, ${ticket})`)
  using keys = createUnwrappedKeys(identities)
  const messageIds: string[] = []
  let unopened = 0
  for (let after: string | null = null; ; ) {
    const { rows }: { rows: readonly SealedMessage[] } = await inJob(db, job, (tx) =>
      sql<SealedMessage>`
        select ${SEALED_MESSAGE} from vault.scan_page(${job.id}, ${after}::uuid, ${PAGE})`.execute(tx),
    )
    const last = rows.at(-1)
    if (last === undefined) return { messageIds, unopened }
    after = last.messageId
    for (const message of rows) {
      const key = await keys.of(message.dataKeyId, message.wrapped)
      const body = key && openReject(key, message)
      if (body === null) unopened++
      else if (namesSubject(body, subject)) messageIds.push(message.messageId)
    }
  }
}

/**
 * Delete a person's originals and these quarantined messages, if they are
 * `expected` many together; with `sever`, replace the tokens of their rows.
 * One transaction does it and records it.
 *
 * @throws UserError of kind `data` when they are not that many; then nothing was deleted.
 */
export async function eraseSubject(
  db: Database,
  what: {
    readonly subject: string
    readonly messageIds: readonly string[]
    readonly expected: number
    readonly sever: boolean
  },
  { reason, ticket }: Why,
): Promise<Erasure> {
  const { subject, messageIds, expected, sever } = what
  const { rows } = await callAs(db, "peppermill_eraser", (tx) =>
    sql<Erasure & { status: string }>`
      select status, originals, quarantined::float8 as quarantined, severed::float8 as severed,
        ${millis("erased_at")} as "erasedAtMs", record::float8 as position, hash
      from vault.erase(${subject}, ${[...messageIds]}::uuid[], ${expected}::bigint, ${sever}, ${reason}, ${ticket})`.execute(
      tx,
    ),
  )
  const { status, ...erasure } = rows[0] as Erasure & { status: string }
  if (status !== "erased") throw keepingRefusal(status)
  return erasure
}

/** Try to recover a person who was erased, as a recoverer would; the try is on record like any other. */
export async function proveErased(db: Database, subject: string, why: Why): Promise<Proof> {
  try {
    const { id, state } = await requestRecovery(db, { tokens: [], subject, ...why })
    if (state !== "approved") return await notTried(db, subject, "a recovery needs approvals by others here")
    const { rows } = await callAs(db, "peppermill_recoverer", (tx) =>
      sql<{ status: string; originals: number }>`select status, originals from vault.release(${id})`.execute(
        tx,
      ),
    )
    const { status, originals } = rows[0] as { status: string; originals: number }
    if (status !== "released") return await notTried(db, subject, `the vault refused it: ${status}`)
    return originals === 0 ? { outcome: "not-found" } : { outcome: "found", originals }
  } catch (error) {
    if (!(error instanceof UserError && error.kind === "permission")) throw error
    return notTried(db, subject, "the database user is no recoverer")
  }
}

async function notTried(db: Database, subject: string, why: string): Promise<Proof> {
  const left = Object.values(await previewErasure(db, subject))
  return { outcome: "not-tried", why, originals: left.reduce((sum, count) => sum + count, 0) }
}
