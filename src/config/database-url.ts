import { type DatabaseAddress, postgresAddress, refuse } from "./database-address.ts"
import { parseDatabaseSecret } from "./database-secret.ts"

const FORM = "postgres://USER:PASSWORD@HOST:PORT/DATABASE"
const ENCODE = `in ${FORM}, write special characters of user, password and database as %XX`

const PARAMETERS = ["sslmode", "sslrootcert", "application_name", "host"]

/** Parameters that other clients know. No other name is repeated in an error: it might be half a password. */
const FOREIGN_PARAMETERS = new Set([
  "channel_binding",
  "client_encoding",
  "connect_timeout",
  "dbname",
  "gssencmode",
  "hostaddr",
  "options",
  "passfile",
  "password",
  "pgbouncer",
  "port",
  "require_auth",
  "schema",
  "search_path",
  "service",
  "ssl",
  "sslcert",
  "sslkey",
  "sslnegotiation",
  "sslpassword",
  "target_session_attrs",
  "uselibpqcompat",
  "user",
])

/** A database's address in either form: a URL ({@link parseDatabaseUrl}) or JSON ({@link parseDatabaseSecret}). */
export function parseDatabase(text: string): DatabaseAddress {
  return text.startsWith("{") ? parseDatabaseSecret(text) : parseDatabaseUrl(text)
}

/**
 * Read `postgres://…`, `postgresql://…`, `pglite:memory` or `pglite:PATH`.
 *
 * Of the parameters, `sslmode`, `sslrootcert` (a path), `application_name` and
 * `host` (a socket's directory, when no host stands before the path) are known,
 * each at most once. Everything else is refused rather than guessed at.
 *
 * @throws UserError of kind `config`. It says what is wrong, not where the text
 * came from, and repeats no part of it but the name of a well-known parameter.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  if (/\p{Cc}/u.test(text)) throw refuse("has control characters", ENCODE)
  if (text.startsWith("pglite:")) {
    const place = text.slice("pglite:".length)
    if (place === "") throw refuse("names no directory", "use pglite:memory or pglite:PATH")
    return { kind: "pglite", directory: place === "memory" ? null : place }
  }
  const rest = /^postgres(?:ql)?:\/\/(.*)$/.exec(text)?.[1]
  if (rest === undefined)
    throw refuse("is not a PostgreSQL address", `use ${FORM}, pglite:memory or pglite:PATH`)
  if (/[\s#]/.test(rest)) throw refuse("has a blank or a #", ENCODE)

  const [, authority = "", path = "", query = ""] = /^([^/?]*)([^?]*)\??(.*)$/.exec(rest) ?? []
  const { user, password, place } = splitAuthority(authority)
  const database = path.slice(1)
  if (database.includes("/")) throw refuse("has more than one part after the host", ENCODE)
  const parameters = readParameters(query)
  return postgresAddress({
    ...splitPlace(place, parameters.get("host")),
    user,
    password,
    database: decoded(database, "database"),
    sslmode: parameters.get("sslmode"),
    caFile: parameters.get("sslrootcert"),
    applicationName: parameters.get("application_name"),
  })
}

/** A database's address fit to be shown: stars for a password, and for the whole of a JSON secret. */
export function hidePassword(text: string): string {
  if (text.startsWith("{")) return "***"
  return text.replace(/^(postgres(?:ql)?:\/\/[^/?@:]*):[^/?@]*@/, "$1:***@")
}

function splitAuthority(authority: string) {
  const [login = "", place, ...more] = authority.split("@")
  if (more.length > 0) throw refuse("has more than one @ before the host", ENCODE)
  // A user is asked for, where libpq would take the system's. So a bare / or ? in a password always
  // ends here, and what stands behind it is never taken for a database or a parameter.
  if (place === undefined || login === "") throw refuse("names no user", ENCODE)
  const colon = login.indexOf(":")
  return {
    user: decoded(colon === -1 ? login : login.slice(0, colon), "user"),
    password: colon === -1 ? "" : decoded(login.slice(colon + 1), "password"),
    place,
  }
}

function splitPlace(place: string, socket: string | undefined) {
  const [, name = "", port] = /^(\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(place) ?? []
  if (socket === undefined) return { host: decoded(name.replace(/^\[(.*)\]$/, "$1"), "host"), port }
  if (name !== "") throw refuse("names a host twice", "leave the host parameter out")
  if (!socket.startsWith("/")) throw refuse("has a host parameter that is no socket's directory", ENCODE)
  return { host: socket, port }
}

function readParameters(query: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const pair of query === "" ? [] : query.split("&")) {
    const [name = "", value = "", ...more] = pair.split("=")
    if (!PARAMETERS.includes(name)) {
      throw refuse(
        FOREIGN_PARAMETERS.has(name) ? `has the parameter ${name}` : "has an unknown parameter",
        `the parameters are ${PARAMETERS.join(", ")}`,
      )
    }
    if (found.has(name)) throw refuse(`has the parameter ${name} twice`, "clients differ on which one counts")
    if (value === "" || more.length > 0) throw refuse(`has a broken parameter ${name}`)
    found.set(name, decoded(value, `parameter ${name}`))
  }
  return found
}

function decoded(text: string, part: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    throw refuse(`has a broken %XX in its ${part}`, ENCODE)
  }
}
