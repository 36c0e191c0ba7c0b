import { sql } from "kysely"
import { UserError } from "../errors.ts"
import type { Token } from "../mask/token.ts"
import type { Database } from "../sink/connection.ts"
import { isRequestId } from "./call.ts"
import { callAs } from "./call-as.ts"
import { openOriginal, type TokenOf, tokenAgrees } from "./open.ts"
import { readPolicy } from "./policy.ts"
import { refusal } from "./refusal.ts"
import { type RecoveryRequest, requestRecovery, type Wanted } from "./request.ts"
import { createUnwrappedKeys } from "./unwrapped-keys.ts"

/** What opening takes, beside the rows that the vault releases. */
export interface Opening {
  /** The event's table, as configured when the originals were sealed. */
  readonly table: string
  /** As `readIdentities` gives them; at least one. */
  readonly identities: readonly string[]
  readonly tokenOf: TokenOf
}

/** An original that came back. Personal data: show it to who asked, store it nowhere. */
export interface Recovered {
  readonly subject: string
  readonly field: string
  readonly token: string
  /** Exactly what came, or null when our identities do not open it, or it was tampered with. */
  readonly value: string | null
  /** Whether the value's token is the stored one; null where that cannot be told. */
  readonly verified: boolean | null
}

interface SealedRow {
  readonly subject: string
  readonly field: string
  readonly token: Token
  readonly dataKeyId: Uint8Array
  readonly sealed: Uint8Array
  /** Null when the data key is no longer there. */
  readonly wrapped: Uint8Array | null
}

/**
 * Release a request and open what it asked for.
 *
 * It takes two transactions: the first records the release, the second hands
 * out the sealed rows, which it does only once the first is committed. So there
 * is no original without a record, whatever fails in between; there may be a
 * record without originals, and then a new request is needed.
 *
 * @throws UserError of kind `permission` when the vault refuses it or there is nothing to release.
 */
export async function release(db: Database, id: string, opening: Opening): Promise<readonly Recovered[]> {
  if (!isRequestId(id)) throw refusal("unknown")
  const recorded = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<{ status: string; originals: number; rowsLeft: number }>`
      select status, originals, rows_left as "rowsLeft" from vault.release(${id})`.execute(tx),
  )
  const { status, originals, rowsLeft } = recorded.rows[0] ?? { status: "unknown", originals: 0, rowsLeft: 0 }
  if (status === "quota") throw beyondQuota(rowsLeft)
  if (status !== "released") throw refusal(status)
  if (originals === 0) {
    throw new UserError("permission", "not found: the vault has no such original", {
      hint: "it was never stored, or it was erased",
    })
  }
  const { rows } = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<SealedRow>`
      select subject, field, token, data_key as "dataKeyId", sealed, wrapped from vault.collect(${id})`.execute(
      tx,
    ),
  )
  if (rows.length === 0) {
    throw new UserError("unavailable", "the release was recorded, but its rows came too late", {
      hint: "peppermill recover request makes a new one",
    })
  }
  return open(rows, opening)
}

/**
 * Request and release in one step, where the policy asks for no approval.
 *
 * @throws UserError as {@link requestRecovery} and {@link release}; of kind
 * `permission`, without a request, where the policy asks for approvals.
 */
export async function recoverInOneStep(
  db: Database,
  wanted: Wanted,
  opening: Opening,
): Promise<{ readonly request: RecoveryRequest; readonly originals: readonly Recovered[] }> {
  const { approvals } = await readPolicy(db)
  if (approvals > 0) {
    throw new UserError("permission", `a recovery needs ${approvals} approvals by other people here`, {
      hint: "peppermill recover request, then wait for them, then peppermill recover release",
    })
  }
  const request = await requestRecovery(db, wanted)
  return { request, originals: await release(db, request.id, opening) }
}

function beyondQuota(rowsLeft: number): UserError {
  return new UserError(
    "permission",
    `the request is for more originals than the ${rowsLeft} that your quota has left`,
    { hint: "ask for fewer, or wait: recovery.rowsPerHour counts what was released in the last hour" },
  )
}

async function open(rows: readonly SealedRow[], opening: Opening): Promise<readonly Recovered[]> {
  const { table, identities, tokenOf } = opening
  using keys = createUnwrappedKeys(identities)
  const recovered: Recovered[] = []
  for (const row of rows) {
    const { subject, field, token } = row
    const key = await keys.of(row.dataKeyId, row.wrapped)
    const value = key && openOriginal(key, table, row)
    const verified = value === null ? null : tokenAgrees(row, value, tokenOf)
    recovered.push({ subject, field, token, value, verified })
  }
  return recovered
}
