import { type PostgresAddress, postgresAddress, refuse } from "./database-address.ts"

const FIELDS = ["username", "password", "host", "dbname"] as const

/** The names that Amazon RDS writes for engines that speak PostgreSQL. */
const ENGINES = ["postgres", "postgresql", "aurora-postgresql"]

/**
 * Read the JSON that Amazon RDS keeps in Secrets Manager: `username`,
 * `password`, `host`, `port` (a number, or its digits as text; 5432 when
 * absent), `dbname`, and `engine`, which must be PostgreSQL when it is there.
 *
 * https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_secret_json_structure.html
 *
 * @throws UserError of kind `config` naming fields, never a value.
 */
export function parseDatabaseSecret(text: string): PostgresAddress {
  const secret = parseObject(text)
  const missing = FIELDS.filter((field) => secret[field] === undefined || secret[field] === "")
  if (missing.length > 0) {
    throw refuse(`has no ${missing.join(", ")}`, `the JSON needs ${FIELDS.join(", ")} and port`)
  }
  const wrong = FIELDS.find((field) => typeof secret[field] !== "string")
  if (wrong !== undefined) throw refuse(`has a ${wrong} that is not text`)
  const { engine, port } = secret
  if (engine !== undefined && !ENGINES.includes(String(engine)))
    throw refuse("is of an engine other than postgres")
  if (port !== undefined && typeof port !== "string" && typeof port !== "number")
    throw refuse("has no usable port")
  const [user, password, host, database] = FIELDS.map((field) => String(secret[field])) as [
    string,
    string,
    string,
    string,
  ]
  return postgresAddress({
    host,
    port: port === undefined ? undefined : String(port),
    user,
    password,
    database,
  })
}

function parseObject(text: string): Readonly<Record<string, unknown>> {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    // The parser's own error repeats a piece of the text.
    throw refuse("begins like JSON but is not")
  }
  if (typeof json !== "object" || json === null || Array.isArray(json)) throw refuse("is not a JSON object")
  return json as Record<string, unknown>
}
