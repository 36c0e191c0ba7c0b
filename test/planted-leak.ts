/** A test that passes, and yet fails its run: what it has peppermill send to PostgreSQL. For `tripwire.test.ts`. */
import { sql } from "kysely"
import pg from "pg"
import { expect, test } from "vitest"
import { openDatabase } from "../src/sink/connection.ts"
import { peppermill } from "./binary.ts"
import { CANARIES } from "./canaries.ts"
import { createDatabase } from "./database.ts"

const [device] = CANARIES.device
const [key] = CANARIES.maskKey
const [password] = CANARIES.databasePassword

test("sends canaries in a statement, as a parameter, in bytes, and where the statement fails", async () => {
  await using database = await createDatabase()
  // The tests' own sessions may send what they like.
  await database.query("select $1::text", [CANARIES.address[0]])
  const db = await openDatabase({ ...database.address, applicationName: "peppermill" }, { poolSize: 1 })
  try {
    await sql.raw(`select '${device}-1' as "line\u2028separator"`).execute(db)
    await sql`select ${`${password}-1`}::text`.execute(db)
    await sql`select ${Buffer.from(key)}::bytea`.execute(db)
    await sql`select ${CANARIES.sessionToken[0]}::int`.execute(db).catch(() => {})
  } finally {
    await db.destroy()
  }
  // The executable, told to: it records whose originals are asked for.
  const { url } = await database.login("peppermill_recoverer")
  const request = ["recover", "request", "--subject", CANARIES.unnamedKey[0], "--reason", "INC-1234, planted"]
  const ended = await peppermill(request, {
    env: { PEPPERMILL_DATABASE_URL: url, PEPPERMILL_MASK_KEY: key },
    mayShow: { argv: ["unnamedKey"] },
  })
  expect(ended.status, ended.stderr).toBe(0)
  const other = new pg.Client({ connectionString: database.url, application_name: "psql" })
  await other.connect()
  await other.query(`select '${CANARIES.awsSecret[0]}'`)
  await other.end()
})
