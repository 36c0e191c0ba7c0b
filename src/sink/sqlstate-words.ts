import type { UserError } from "../errors.ts"

/** What an operator reads of an error code. */
export interface Words {
  readonly kind: UserError["kind"]
  readonly says: string
  readonly hint?: string
}

const INIT = "run peppermill init"
const WRITER = "grant peppermill_writer to the user of database.url"

const WORDS: Readonly<Record<string, Words>> = {
  "08P01": {
    kind: "unavailable",
    says: "the connection to PostgreSQL failed",
    hint:
      "PgBouncer has to pass over our settings: ignore_startup_parameters = " +
      "statement_timeout,lock_timeout,idle_in_transaction_session_timeout",
  },
  "25006": {
    kind: "config",
    says: "PostgreSQL is read-only here",
    hint: "database.url must name the primary, not a replica",
  },
  "28000": {
    kind: "permission",
    says: "PostgreSQL refused the user",
    hint: "check the user of database.url, and pg_hba.conf",
  },
  "28P01": {
    kind: "permission",
    says: "PostgreSQL did not take the password",
    hint: "check the user and password of database.url",
  },
  "3D000": { kind: "config", says: "the database does not exist", hint: "check the name in database.url" },
  "3F000": { kind: "config", says: "a schema is missing", hint: INIT },
  "42501": { kind: "permission", says: "PostgreSQL denied permission", hint: WRITER },
  "42703": { kind: "config", says: "a column is missing", hint: INIT },
  "42883": { kind: "config", says: "a function is missing", hint: INIT },
  "42P01": { kind: "config", says: "a table is missing", hint: INIT },
  "53100": { kind: "unavailable", says: "the disk of PostgreSQL is full" },
  "53200": { kind: "unavailable", says: "PostgreSQL is out of memory" },
  "53300": { kind: "unavailable", says: "PostgreSQL has no free connection" },
  "55P03": { kind: "unavailable", says: "PostgreSQL could not get a lock in time" },
  "57014": { kind: "unavailable", says: "PostgreSQL cancelled a statement that took too long" },
  "57P03": { kind: "unavailable", says: "PostgreSQL is not ready yet" },
}

const WORDS_BY_CLASS: Readonly<Record<string, Words>> = {
  "08": { kind: "unavailable", says: "the connection to PostgreSQL failed" },
  "22": { kind: "data", says: "PostgreSQL refused a value" },
  "23": { kind: "data", says: "a constraint of the table refused a row" },
  "40": { kind: "unavailable", says: "PostgreSQL rolled the transaction back" },
  "53": { kind: "unavailable", says: "PostgreSQL is short of a resource" },
  "57": { kind: "unavailable", says: "PostgreSQL ended the session" },
  "58": { kind: "unavailable", says: "PostgreSQL met an error of its system" },
  XX: { kind: "unavailable", says: "PostgreSQL met an internal error" },
}

const UNKNOWN: Words = { kind: "unavailable", says: "PostgreSQL refused a statement" }

/** Of tables that peppermill made, another release for example. */
export const OUR_TABLES: Words = {
  kind: "config",
  says: "a table of peppermill does not take what this release writes",
  hint: INIT,
}

export function wordsFor(code: string): Words {
  return WORDS[code] ?? WORDS_BY_CLASS[code.slice(0, 2)] ?? UNKNOWN
}
