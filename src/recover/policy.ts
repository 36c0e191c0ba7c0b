import { sql } from "kysely"
import type { Database } from "../sink/connection.ts"
import { withSafeErrors } from "../sink/database-error.ts"
import { callAs } from "./call-as.ts"

/** What a recovery needs. It is kept in the database, where no client can relax it. */
export interface Policy {
  /** Approvals by other database users. */
  readonly approvals: number
  /** Minutes a request stays good. */
  readonly ttlMinutes: number
  /** Originals a database user may have released in any hour. */
  readonly rowsPerHour: number
}

/** The policy, as it meets one database user. */
export interface PolicyInForce extends Policy {
  /** The database user we are. */
  readonly user: string
  /** What is left of `rowsPerHour`. */
  readonly rowsLeft: number
}

/** Characters a reason must have, blanks not counted. The database counts them. */
export const MIN_REASON = 10

/** Read the policy. Anyone who may request, approve or audit may read it. */
export async function readPolicy(db: Database): Promise<PolicyInForce> {
  const { rows } = await callAs(db, "peppermill_recoverer", (tx) =>
    sql<PolicyInForce>`
      select login as "user", approvals, ttl_minutes as "ttlMinutes",
        rows_per_hour as "rowsPerHour", rows_left as "rowsLeft"
      from vault.policy_in_force()`.execute(tx),
  )
  return rows[0] as PolicyInForce
}

/** Store the policy, as the owner of the vault. A change stands in the audit log. */
export async function storePolicy(db: Database, policy: Policy): Promise<void> {
  await withSafeErrors(() => sql.raw(policyStatement(policy)).execute(db))
}

/** The same as text, for `init --sql`. */
export function policyStatement({ approvals, ttlMinutes, rowsPerHour }: Policy): string {
  const numbers = [approvals, ttlMinutes, rowsPerHour]
  if (!numbers.every(Number.isSafeInteger)) throw new RangeError("a policy has whole numbers")
  return (
    "update vault.policy set (approvals, ttl_minutes, rows_per_hour) = " +
    `(${numbers.join(", ")}) where (approvals, ttl_minutes, rows_per_hour) <> (${numbers.join(", ")})`
  )
}
