import { type RawBuilder, sql } from "kysely"
import { UserError } from "../errors.ts"
import type { Database } from "../sink/connection.ts"
import type { VaultTransaction } from "./call.ts"
import { callAs } from "./call-as.ts"
import { refusal } from "./refusal.ts"

/** Why somebody does it, for those who read the audit log. */
export interface Why {
  /** At least 10 characters, blanks not counted. */
  readonly reason: string
  readonly ticket: string | null
}

/**
 * Work on many sealed values. It was recorded and committed before the first of
 * them leaves the database, and is good for a day.
 */
export interface Job {
  readonly id: string
  readonly kind: "quarantine-replay" | "erase-scan" | "rekey" | "rewrap"
}

type Role = "peppermill_keeper" | "peppermill_eraser"

/** Which role the jobs of a kind take. */
const ROLE: Readonly<Record<Job["kind"], Role>> = {
  "quarantine-replay": "peppermill_keeper",
  "erase-scan": "peppermill_eraser",
  rekey: "peppermill_keeper",
  rewrap: "peppermill_keeper",
}

/**
 * Begin a job: its record is committed when this resolves.
 *
 * @param call - A function of the vault that answers `status` and `id`.
 * @throws UserError when the vault refuses; that too is on record.
 */
export async function beginJob(db: Database, kind: Job["kind"], call: RawBuilder<unknown>): Promise<Job> {
  const { rows } = await callAs(db, ROLE[kind], (tx) =>
    sql<{ status: string; id: string }>`select status, id from ${call} as begun`.execute(tx),
  )
  const { status, id } = rows[0] as { status: string; id: string }
  if (status !== "begun") throw keepingRefusal(status)
  return { id, kind }
}

/**
 * Do a part of a job, in a transaction of its own.
 *
 * @param work - To a job that may not go on the vault's functions give nothing, and do nothing.
 * @throws UserError of kind `permission` when the job may not go on.
 */
export async function inJob<T>(
  db: Database,
  job: Job,
  work: (tx: VaultTransaction) => Promise<T>,
): Promise<T> {
  return callAs(db, ROLE[job.kind], async (tx) => {
    const done = await work(tx)
    // Asked afterwards: a day that ends before the work would make its nothing look like the end of the job.
    const { rows } = await sql<{ status: string }>`select vault.job_status(${job.id}, ${job.kind}) as status`
      .$castTo<{ status: string }>()
      .execute(tx)
    const status = rows[0]?.status ?? "unknown"
    if (status !== "good") throw keepingRefusal(status)
    return done
  })
}

/** A refusal of the vault in words, in matters of the quarantine, of erasing and of keys. */
export function keepingRefusal(status: string): UserError {
  switch (status) {
    case "no-message":
      return new UserError("permission", "not found: no such message is in the quarantine", {
        hint: "peppermill quarantine ls --messages lists them",
      })
    case "quota":
      return new UserError("permission", "your quota of this hour is used up", {
        hint: "wait: recovery.rowsPerHour counts what was released in the last hour",
      })
    case "count-differs":
      return new UserError(
        "data",
        "there is more to delete, or less, than was agreed to: nothing was deleted",
        {
          hint: "look again, and confirm the new count",
        },
      )
    case "same-key":
      return new UserError("usage", "--from and --to name the same key")
    case "unknown-key":
      return new UserError("config", "the database does not know one of the two mask keys", {
        hint: "peppermill keys ls lists them; peppermill keys rotate --id ID records a new one",
      })
    case "retired-key":
      return new UserError("config", "--to names a mask key that is retired", { hint: "take another key" })
    case "expired":
      return new UserError("permission", "it took longer than a day, and what began it has expired", {
        hint: "run it again: it goes on where it stopped",
      })
    default:
      return refusal(status)
  }
}
