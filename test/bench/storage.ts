import { createHash, randomUUID } from "node:crypto"
import pg from "pg"
import { isToken } from "../../src/mask/token.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import type { PartitionWidth } from "../../src/sink/partitions.ts"
import { createPostgresSink } from "../../src/sink/postgres.ts"
import type { Batch } from "../../src/sink/sink.ts"
import { addressOf } from "../database.ts"
import { LOGIN } from "../shape.ts"
import { familyCpuSeconds } from "./processes.ts"
import type { Server } from "./server.ts"
import { type Spread, spread } from "./statistics.ts"

export interface Storage {
  readonly rows: number
  readonly width: PartitionWidth
  /** PostgreSQL's CPU for a row, in µs, in an empty table and in one that holds `rows`. */
  readonly emptyCpu: Spread
  readonly fullCpu: Spread
  readonly ratio: number
  readonly lookUps: readonly { readonly by: string; readonly ms: Spread; readonly plan: string }[]
}

const ROWS_PER_BATCH = 500
const BATCHES = 40
const LOOK_UPS = 50

/**
 * What a partitioned table costs once it holds `rows` logins: to insert into, and to look people up in.
 *
 * The logins are of a year, and those that are measured of the day in the middle
 * of a partition, whatever the date is.
 */
export async function measureStorage(
  server: Server,
  { rows, width, rounds }: { readonly rows: number; readonly width: PartitionWidth; readonly rounds: number },
  tell: (words: string) => void,
): Promise<Storage> {
  const url = await server.fresh({ partitioned: width })
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const db = await openDatabase(addressOf(url), { poolSize: 1 })
  const sink = createPostgresSink(db, LOGIN, { retrySeconds: 1, vault: false })
  try {
    const today = middleOf(width, new Date())
    const emptyCpu = await insert(server, sink, rounds, today)
    await partitionPast(client, width)
    await fill(client, rows, today, tell)
    const fullCpu = await insert(server, sink, rounds, today)
    const lookUps = [
      await lookUp(client, "user_id", "md5($1::text)"),
      await lookUp(client, "masked_ip", "'k1:' || md5('ip' || $1::text) || md5('ip' || $1::text)"),
      await lookUp(
        client,
        "masked_device_id",
        "'k1:' || md5('device' || $1::text) || md5('device' || $1::text)",
      ),
    ]
    return { rows, width, emptyCpu, fullCpu, ratio: fullCpu.median / emptyCpu.median, lookUps }
  } finally {
    await sink.close()
    await client.end()
  }
}

type PostgresSink = ReturnType<typeof createPostgresSink>

/** In the present one, in UTC. Weeks begin on Monday. */
function middleOf(width: PartitionWidth, now: Date): Date {
  const day = { month: 15, week: now.getUTCDate() - ((now.getUTCDay() + 6) % 7) + 3, day: now.getUTCDate() }
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), day[width]))
}

async function insert(server: Server, sink: PostgresSink, rounds: number, today: Date): Promise<Spread> {
  const figures: number[] = []
  // The first round fills the caches, and does not count.
  for (let round = 0; round <= rounds; round++) {
    const batches = Array.from({ length: BATCHES }, () => batch(today))
    const before = familyCpuSeconds(server.postmaster)
    for (const one of batches) await sink.write(one, () => {})
    const cpu = familyCpuSeconds(server.postmaster) - before
    if (round > 0) figures.push((cpu / (BATCHES * ROWS_PER_BATCH)) * 1e6)
  }
  return spread(figures)
}

function batch(today: Date): Batch {
  const rows = Array.from({ length: ROWS_PER_BATCH }, () => {
    const messageId = randomUUID()
    const hex = createHash("sha256").update(messageId).digest("hex")
    const tokens = [`k1:${hex}`, `k1:${hex.slice(32)}${hex.slice(0, 32)}`].filter(isToken)
    const plain = [hex.slice(0, 32), "android", null, 2_003_000]
    return { messageId, sentAtMs: today.getTime(), plain, tokens, originals: [] }
  })
  return { rows, rejects: [], erasures: null }
}

/** Of these days are the rows that are there already. */
const DAYS = 365
/** The ledger is pruned to these. */
const LEDGER_DAYS = 15

/** The partitions that `init` would have made meanwhile, had it run for a year and two months. */
async function partitionPast(client: pg.Client, width: PartitionWidth): Promise<void> {
  await client.query(`do $$ declare first_day date; begin
    for first_day in select generate_series(
      date_trunc('${width}', now() at time zone 'utc' - interval '${DAYS + 60} days'),
      date_trunc('${width}', now() at time zone 'utc') - interval '2 ${width}', interval '1 ${width}')
    loop
      execute format('create table %I partition of user_logins for values from (%L) to (%L)',
        'past_' || first_day, first_day, (first_day + interval '1 ${width}')::date);
    end loop;
  end $$`)
}

/** A year of rows, and what the ledger keeps of it, made by the server in chunks. */
async function fill(
  client: pg.Client,
  rows: number,
  today: Date,
  tell: (words: string) => void,
): Promise<void> {
  const chunk = 500_000
  const date = today.toISOString().slice(0, 10)
  for (let from = 0; from < rows; from += chunk) {
    const to = Math.min(from + chunk, rows)
    await client.query(`insert into user_logins
      select md5(n::text), 'android', 'k1:' || md5('ip' || n) || md5('ip' || n),
        'k1:' || md5('device' || n) || md5('device' || n), null, 2003000, date '${date}' - n % ${DAYS}
      from generate_series(${from}, ${to - 1}) n`)
    await client.query(
      `insert into peppermill.ledger (message_id) select gen_random_uuid()
      from generate_series(${from}, ${to - 1}) n where n % ${DAYS} < ${LEDGER_DAYS}`,
    )
    tell(`${to} rows stored`)
  }
  await client.query("vacuum analyze")
  // Or the inserts would be charged with writing out what filling left.
  await client.query("checkpoint")
}

async function lookUp(client: pg.Client, column: string, value: string) {
  const wanted = await client.query(`select ${value.replaceAll("$1", "4711")} as value`)
  const query = `select * from user_logins where ${column} = $1`
  const parameters = [wanted.rows[0]?.value]
  const ms: number[] = []
  for (let round = 0; round < LOOK_UPS; round++) {
    const start = performance.now()
    const { rowCount } = await client.query(query, parameters)
    ms.push(performance.now() - start)
    if (rowCount !== 1) throw new Error(`a look-up by ${column} found ${rowCount} rows`)
  }
  const plan = await client.query(`explain (analyze, buffers, summary) ${query}`, parameters)
  return { by: column, ms: spread(ms), plan: plan.rows.map((row) => row["QUERY PLAN"]).join("\n") }
}
