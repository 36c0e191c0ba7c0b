import { AbortedTransactionError } from "kysely"
import { type DatabaseNames, UserError } from "../errors.ts"
import { type Action, actionOn, isServerError, type ServerError } from "./sqlstate.ts"
import { OUR_TABLES, type Words, wordsFor } from "./sqlstate-words.ts"

const OUR_SCHEMAS: ReadonlySet<string | undefined> = new Set(["peppermill", "vault"])

/** A failure of the database, reduced to what may be shown. */
export interface DatabaseFailure {
  readonly action: Action
  readonly sqlState: string | undefined
  /** The column, where PostgreSQL names it. */
  readonly column: string | undefined
  /** For the operator. Holds names of tables, columns and constraints; no value of any row. */
  readonly userError: UserError
}

/**
 * Judge what a query or a connection attempt threw.
 *
 * @returns null when it is no failure of the database: a bug, or a `UserError` already.
 */
export function judge(error: unknown): DatabaseFailure | null {
  if (isServerError(error)) {
    const { code, column } = error
    // Constraints of our own tables are kept by us: no row of a batch is to blame.
    const isOurFault = code.startsWith("23") && OUR_SCHEMAS.has(error.schema)
    return {
      action: isOurFault ? "stop" : actionOn(code),
      sqlState: code,
      column,
      userError: describeServerError(error, isOurFault ? OUR_TABLES : wordsFor(code)),
    }
  }
  const failure = (action: Action, userError: UserError) => ({
    action,
    sqlState: undefined,
    column: undefined,
    userError,
  })
  if (error instanceof AbortedTransactionError) {
    return failure("retry", new UserError("unavailable", "PostgreSQL answered COMMIT with ROLLBACK"))
  }
  if (!(error instanceof Error) || error instanceof UserError) return null
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined
  if (isTlsFailure(error, code)) return failure("stop", describeTlsFailure(code))
  // pg refuses some passwords itself, an empty one for example, before the server can.
  if (/^SASL/.test(error.message))
    return failure("reread-secret", describe({ sqlState: "28P01" }, wordsFor("28P01")))
  if (isConnectionFailure(error, code)) return failure("reconnect", describeConnectionFailure(error, code))
  return null
}

/**
 * The same failure, safe to show: a `UserError` with the SQLSTATE and the names
 * of constraint, table and column, and nothing that PostgreSQL quotes of a row.
 * What is no failure of the database comes back as it is.
 */
export function safeDatabaseError(error: unknown): unknown {
  return judge(error)?.userError ?? error
}

/** Run database work whose errors must be safe to show. */
export async function withSafeErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw safeDatabaseError(error)
  }
}

function describe({ sqlState, ...names }: DatabaseNames, { kind, says, hint }: Words): UserError {
  const details = Object.entries(names).map(([what, name]) => `, ${what} ${name}`)
  const database = { sqlState, ...names }
  return new UserError(kind, `${says} (SQLSTATE ${sqlState}${details.join("")})`, {
    database,
    ...(hint !== undefined && { hint }),
  })
}

function describeServerError(
  { code, schema, table, column, constraint }: ServerError,
  words: Words,
): UserError {
  const names = {
    sqlState: code,
    ...(table && { table: schema ? `${schema}.${table}` : table }),
    ...(column && { column }),
    ...(constraint && { constraint }),
  }
  return describe(names, words)
}

/** Node's names for what is wrong with a certificate or a handshake, and pg's words for a server without TLS. */
function isTlsFailure(error: Error, code: string | undefined): boolean {
  return (
    /^(ERR_TLS_|ERR_SSL_|EPROTO$|CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|HOSTNAME_MISMATCH)/.test(
      code ?? "",
    ) || /does not support SSL/.test(error.message)
  )
}

function describeTlsFailure(code: string | undefined): UserError {
  return code === undefined
    ? new UserError("config", "PostgreSQL does not speak TLS", {
        hint: "turn ssl on in the server: only a connection within this machine may do without",
      })
    : new UserError("config", `TLS with PostgreSQL failed (${code})`, {
        hint: "check the host name of database.url, and name the certificate authority with sslrootcert",
      })
}

const CONNECTION_WORDS =
  /^(Connection terminated|Query read timeout|timeout |Client (has|was) |Received unexpected |There was an error establishing)/

/** Node names what its sockets and the resolver report; pg has only words for what it notices itself. */
function isConnectionFailure(error: Error, code: string | undefined): boolean {
  if (code === undefined) return CONNECTION_WORDS.test(error.message)
  return "syscall" in error || /^(ECONN|ETIMEDOUT$|ERR_STREAM_|ERR_SOCKET_)/.test(code)
}

function describeConnectionFailure(error: Error, code: string | undefined): UserError {
  const how = code ?? (/timeout/.test(error.message) ? "no answer in time" : "connection lost")
  return new UserError("unavailable", `PostgreSQL does not answer (${how})`, {
    hint: "check that the host and port of database.url can be reached from here",
  })
}
