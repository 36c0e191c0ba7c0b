import { listAudit } from "../audit/database.ts"
import { outcomeOf } from "../audit/outcome.ts"
import { openMaskKeys, type Settings } from "../open.ts"
import { eraseSubject, type Proof, previewErasure, proveErased } from "../recover/erase.ts"
import { type Recovered, recoverInOneStep } from "../recover/release.ts"
import { createTokenOf } from "../recover/token-of.ts"
import type { Database } from "../sink/connection.ts"

/** What the vault was asked in the demonstration, and what it answered. */
export interface WayBack {
  readonly token: string
  readonly reason: string
  readonly recovered: readonly Recovered[]
  readonly erased: { readonly subject: string; readonly originals: number; readonly proof: Proof }
  /** The audit log, oldest first. */
  readonly record: readonly {
    readonly who: string
    readonly did: string
    readonly outcome: string
    readonly why: string | null
  }[]
}

const REASON = "DEMO-1: an abuse report names this address"
const ERASE_REASON = "DEMO-2: this person asked to be erased"

/**
 * Recover the originals of one token, erase one of the people it belonged to,
 * and try to recover that person again.
 */
export async function showWayBack(
  db: Database,
  settings: Settings,
  token: string,
  identity: string,
): Promise<WayBack> {
  const { live } = await openMaskKeys(settings)
  const { originals: recovered } = await recoverInOneStep(
    db,
    { tokens: [token], subject: null, reason: REASON, ticket: null },
    { table: settings.shape.table, identities: [identity], tokenOf: createTokenOf(live, settings.shape) },
  )
  const subject = recovered[0]?.subject ?? ""
  const originals = Object.values(await previewErasure(db, subject)).reduce((sum, count) => sum + count, 0)
  const why = { reason: ERASE_REASON, ticket: null }
  await eraseSubject(db, { subject, messageIds: [], expected: originals, sever: false }, why)
  const proof = await proveErased(db, subject, why)
  const records = await listAudit(db, { limit: 20 })
  const record = records.toReversed().map((one) => {
    return { who: one.actor, did: one.action, outcome: outcomeOf(one).outcome, why: one.reason }
  })
  return { token, reason: REASON, recovered, erased: { subject, originals, proof }, record }
}
