import { sql } from "kysely"
import { UserError } from "../errors.ts"
import type { Database } from "../sink/connection.ts"
import { wrap } from "../vault/data-key.ts"
import { checkRecipients } from "../vault/recipients.ts"
import { beginJob, inJob, type Job, keepingRefusal, type Why } from "./job.ts"
import { unwrapDataKey } from "./open.ts"

const PAGE = 100

/** Who may open from now on: one more, or one less. */
export interface Change {
  readonly change: "add" | "remove"
  /** `age1…` or `age1pq1…`. */
  readonly recipient: string
}

export interface Rewrapped {
  /** Data keys wrapped anew. */
  readonly dataKeys: number
  /** Data keys that these identities do not unwrap; they stay as they are. */
  readonly unopened: number
  /** Data keys that nobody else could open if the recipient went; they stay as they are. */
  readonly last: number
}

interface WrappedKey {
  readonly id: Uint8Array
  readonly recipients: readonly string[]
  readonly wrapped: Uint8Array
}

/**
 * Wrap every data key anew, for one recipient more or less. The data stays as it
 * is. Killed and run again, it goes on with those that lack the change.
 *
 * A recipient that was removed can still open what was copied before, such as a
 * backup. Which recipients new data keys get is for `vault.recipients` to say.
 *
 * It takes `peppermill_keeper`.
 *
 * @throws UserError of kind `config` when the recipient to add cannot be used.
 */
export async function changeRecipients(
  db: Database,
  { change, recipient }: Change,
  { reason, ticket }: Why,
  identities: readonly string[],
): Promise<Rewrapped> {
  if (change === "add") checkRecipients([recipient])
  const job = await beginJob(
    db,
    "rewrap",
    sql`vault.begin_rewrap(${change}, ${recipient}, ${reason}, ${ticket})`,
  )
  const total = { dataKeys: 0, unopened: 0, last: 0 }
  for (let after: Uint8Array = new Uint8Array(); ; ) {
    const page = await readPage(db, job, after)
    const last = page.at(-1)
    if (last === undefined) return total
    after = last.id
    const anew: { id: Uint8Array; was: Uint8Array; wrapped: Uint8Array }[] = []
    for (const { id, recipients, wrapped } of page) {
      const others = recipients.filter((one) => one !== recipient)
      const next = change === "add" ? [...others, recipient] : others
      if (next.length === 0) total.last++
      else {
        const fresh = await rewrap(wrapped, next, identities, change === "add")
        if (fresh === null) total.unopened++
        else anew.push({ id, was: wrapped, wrapped: fresh })
      }
    }
    if (anew.length > 0) total.dataKeys += await store(db, job, anew)
  }
}

/** Null when no identity unwraps it. */
async function rewrap(
  wrapped: Uint8Array,
  recipients: readonly string[],
  identities: readonly string[],
  isStillOurs: boolean,
): Promise<Uint8Array | null> {
  const key = await unwrapDataKey(wrapped, identities)
  if (key === null) return null
  try {
    const fresh = await wrap(key, recipients)
    if (!isStillOurs) return fresh
    // The old wrapping is about to be overwritten, and with it the only way to all that this key sealed.
    const again = await unwrapDataKey(fresh, identities)
    if (again === null || !Buffer.from(again).equals(key)) {
      throw new UserError("data", "a data key that was wrapped anew does not open: it was left as it is", {
        hint: "vault.data_keys names other recipients than the key was wrapped for; ask whoever changed it",
      })
    }
    return fresh
  } finally {
    key.fill(0)
  }
}

async function readPage(db: Database, job: Job, after: Uint8Array): Promise<readonly WrappedKey[]> {
  return inJob(db, job, async (tx) => {
    const { rows } = await sql<WrappedKey>`
      select id, recipients, wrapped from vault.wrapped_page(${job.id}, ${buffer(after)}, ${PAGE})`.execute(
      tx,
    )
    return rows
  })
}

async function store(
  db: Database,
  job: Job,
  anew: readonly { readonly id: Uint8Array; readonly was: Uint8Array; readonly wrapped: Uint8Array }[],
): Promise<number> {
  const column = (name: "id" | "was" | "wrapped") => anew.map((key) => buffer(key[name]))
  const { rows } = await inJob(db, job, (tx) =>
    sql<{ status: string; dataKeys: number }>`
      select status, data_keys::float8 as "dataKeys" from vault.rewrap(${job.id},
        ${column("id")}::bytea[], ${column("was")}::bytea[], ${column("wrapped")}::bytea[])`.execute(tx),
  )
  const [answer] = rows
  if (answer?.status !== "done") throw keepingRefusal(answer?.status ?? "unknown")
  return answer.dataKeys
}

const buffer = (bytes: Uint8Array) => Buffer.from(bytes)
