import { isIP } from "node:net"
import { isAbsolute } from "node:path"
import { UserError } from "../errors.ts"
import { isLoopback } from "./http-url.ts"

/**
 * Where the database is. Every part is spelled out, so that a client given all
 * of them has nothing left to take from PG* variables.
 */
export type DatabaseAddress = PostgresAddress | PgliteAddress

/** Holds a password: never log it. */
export interface PostgresAddress {
  readonly kind: "postgres"
  /** Host name, IP address, or the directory of a Unix socket (begins with `/`). */
  readonly host: string
  readonly port: number
  readonly user: string
  /** Empty when there is none. */
  readonly password: string
  readonly database: string
  /** null: no TLS, which only connections within this machine may do without. */
  readonly tls: Tls | null
  /** PEM file of the authorities to trust; null for those that Node knows. */
  readonly caFile: string | null
  readonly applicationName: string
}

/** What a TLS client must be told so that it verifies the certificate's chain and its name. */
export interface Tls {
  readonly rejectUnauthorized: true
  /** Absent for an IP address: RFC 6066 allows names only, and the address itself is compared. */
  readonly servername?: string
  /** The text of `caFile`, once it is read. */
  readonly ca?: string
}

/** PostgreSQL inside this process. */
export interface PgliteAddress {
  readonly kind: "pglite"
  /** null: in memory, gone at the end. */
  readonly directory: string | null
}

/** The parts of an address as they come, from a URL or from a secret. */
export interface PostgresParts {
  readonly host: string
  readonly port: string | undefined
  readonly user: string
  readonly password: string
  readonly database: string
  readonly sslmode?: string | undefined
  readonly caFile?: string | undefined
  readonly applicationName?: string | undefined
}

/**
 * Put an address together. TLS is verified in full unless the host is this
 * machine; `sslmode` may say `verify-full` anywhere and `disable` for this
 * machine.
 *
 * @throws UserError of kind `config` that says what is wrong, not where it came from, and repeats no value.
 */
export function postgresAddress(parts: PostgresParts): PostgresAddress {
  const { host, user, password, database, caFile = null, applicationName = "peppermill" } = parts
  for (const [part, text] of Object.entries({ user, password, database, host, applicationName })) {
    if (text.includes("\0")) throw refuse(`has a NUL in its ${part}`)
  }
  if (user === "") throw refuse("names no user")
  if (database === "") throw refuse("names no database")
  if (!isHost(host))
    throw refuse("names no usable host", "name one host or IP address, or a socket's directory")
  const tls = chooseTls(host, parts.sslmode)
  if (caFile !== null && tls === null)
    throw refuse("has an sslrootcert but no TLS", "add sslmode=verify-full")
  if (caFile !== null && !isAbsolute(caFile)) throw refuse("has an sslrootcert that is not an absolute path")
  return {
    kind: "postgres",
    host,
    port: portOf(parts.port),
    user,
    password,
    database,
    tls,
    caFile,
    applicationName,
  }
}

export function refuse(what: string, hint?: string): UserError {
  return new UserError("config", what, hint === undefined ? {} : { hint })
}

function isHost(host: string): boolean {
  return host.startsWith("/") || isIP(host) !== 0 || /^[A-Za-z0-9._-]+$/.test(host)
}

function portOf(text = "5432"): number {
  const port = /^[0-9]{1,5}$/.test(text) ? Number(text) : 0
  if (port < 1 || port > 65_535) throw refuse("has no usable port", "a port is a number from 1 to 65535")
  return port
}

function chooseTls(host: string, sslmode: string | undefined): Tls | null {
  const socket = host.startsWith("/")
  const here = socket || isLoopback(host)
  switch (sslmode) {
    case undefined:
      if (here) return null
      break
    case "disable":
      if (here) return null
      throw refuse(
        "has sslmode=disable for another host",
        "only a connection within this machine may do without TLS",
      )
    case "verify-full":
      if (socket) throw refuse("asks for TLS on a Unix socket", "leave sslmode out")
      break
    default:
      throw refuse("has an sslmode other than verify-full", "the server's certificate is always verified")
  }
  return { rejectUnauthorized: true, ...(isIP(host) === 0 && { servername: host }) }
}
