import { createHash } from "node:crypto"
import { createServer, connect as dial, type Socket } from "node:net"
import type { PostgresAddress } from "../../src/config/database-address.ts"
import type { EventShape } from "../../src/decode/event-shape.ts"
import type { Token } from "../../src/mask/token.ts"
import { type Database, type DatabaseSettings, openDatabase } from "../../src/sink/connection.ts"
import { createPostgresSink, type PostgresSinkSettings } from "../../src/sink/postgres.ts"
import type { Batch, Row, SealedReject, Sink, SinkRetry } from "../../src/sink/sink.ts"
import { type Clock, systemClock } from "../../src/time/clock.ts"
import type { TestDatabase } from "../database.ts"
import { LOGIN } from "../shape.ts"

export function tokenOf(text: string): Token {
  return `k1:${createHash("sha256").update(text).digest("hex")}` as Token
}

/** The id of the n-th message, in the order of n. */
export function messageId(n: number): string {
  return `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`
}

export const SENT_AT_MS = Date.UTC(2026, 10, 1, 23, 59, 59)

/** The n-th login: user_id, device_type, locale, app_version, and tokens of ip and device_id. */
export function row(n: number, change: Partial<Row> = {}): Row {
  return {
    messageId: messageId(n),
    sentAtMs: SENT_AT_MS,
    plain: [`user-${n}`, "ios", n % 2 === 0 ? null : "RU", 2_003_000],
    tokens: [tokenOf(`ip-${n}`), tokenOf(`device-${n}`)],
    originals: [],
    ...change,
  }
}

export function rows(count: number, from = 0): Row[] {
  return Array.from({ length: count }, (_, index) => row(from + index))
}

export function batch(given: readonly Row[], rejects: readonly SealedReject[] = []): Batch {
  return { rows: given, rejects, erasures: null }
}

export function reject(n: number, change: Partial<SealedReject> = {}): SealedReject {
  return {
    messageId: messageId(n),
    sentAtMs: SENT_AT_MS,
    reason: "missing",
    field: "ip",
    shape: "{user_id: text}",
    dataKeyId: DATA_KEY_ID,
    sealed: Uint8Array.of(1, 0, 0x5c, 0xff),
    ...change,
  }
}

/** Real time that does not pass while waiting, and remembers how long it would have waited. */
export function impatientClock(): Clock & { readonly sleeps: number[] } {
  const sleeps: number[] = []
  return {
    sleeps,
    now: systemClock.now,
    async sleep(ms) {
      sleeps.push(ms)
    },
  }
}

export interface OpenSink extends AsyncDisposable {
  readonly sink: Sink
  readonly db: Database
  readonly retries: SinkRetry[]
  write(given: Batch): ReturnType<Sink["write"]>
}

export async function openSink(
  { address }: Pick<TestDatabase, "address">,
  {
    shape = LOGIN,
    database = {},
    ...settings
  }: Partial<PostgresSinkSettings> & {
    readonly shape?: EventShape
    readonly database?: Partial<DatabaseSettings>
  } = {},
): Promise<OpenSink> {
  const db = await openDatabase(address, { poolSize: 4, ...database })
  const sink = createPostgresSink(db, shape, { retrySeconds: 3, vault: false, ...settings })
  const retries: SinkRetry[] = []
  return {
    sink,
    db,
    retries,
    write: (given) => sink.write(given, (retry) => retries.push(retry)),
    [Symbol.asyncDispose]: () => sink.close(),
  }
}

/** The data key that `reject` and the tests' originals name. */
export const DATA_KEY_ID = new Uint8Array(16).fill(7)

/** Stores the data key of {@link DATA_KEY_ID}. */
export const STORE_DATA_KEY = `insert into vault.data_keys (id, recipients, wrapped)
  values (decode(repeat('07', 16), 'hex'), '{}', '')`

/**
 * Let inserts into user_logins fail: with this SQLSTATE, while the rows match.
 * A sequence counts, because it keeps its count through rollbacks.
 */
export async function injectFault(
  database: TestDatabase,
  sqlState: string,
  { times = 1_000_000, when = "true" }: { readonly times?: number; readonly when?: string } = {},
): Promise<void> {
  await database.query(`
    create sequence if not exists public.faults;
    grant usage on sequence public.faults to public;
    create or replace function public.fault() returns trigger language plpgsql security definer as $$
    begin
      if ${when} then
        if nextval('public.faults') <= ${times} then
          raise exception 'row of % refused', new.user_id using errcode = '${sqlState}';
        end if;
      end if;
      return new;
    end $$;
    create or replace trigger fault before insert on public.user_logins
      for each row execute function public.fault();`)
}

/** A wire that can be cut or go silent. */
export interface Wire extends AsyncDisposable {
  readonly address: PostgresAddress
  readonly connections: number
  /** Nothing passes any more, not even the end of a connection. */
  dead: boolean
  /** Called with what each side sends, before it is passed on. Returns what to do with it. */
  onClient: (chunk: Buffer | string) => "pass" | "swallow"
  onServer: (chunk: Buffer | string) => "pass" | "swallow" | "cut"
}

export async function openWire(address: PostgresAddress): Promise<Wire> {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createServer({ allowHalfOpen: true }, (client) => {
    connections++
    const upstream = dial(address.port, address.host)
    const cut = () => {
      client.destroy()
      upstream.destroy()
    }
    for (const socket of [client, upstream]) {
      sockets.add(socket)
      socket.on("error", cut).on("close", cut)
    }
    client.on("data", (chunk) => {
      if (!wire.dead && wire.onClient(chunk) === "pass") upstream.write(chunk)
    })
    client.on("end", () => {
      if (!wire.dead) cut()
    })
    upstream.on("data", (chunk) => {
      const verdict = wire.dead ? "swallow" : wire.onServer(chunk)
      if (verdict === "pass") client.write(chunk)
      else if (verdict === "cut") cut()
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const bound = server.address()
  const port = typeof bound === "object" && bound !== null ? bound.port : 0
  const wire: Wire = {
    address: { ...address, host: "127.0.0.1", port },
    get connections() {
      return connections
    },
    dead: false,
    onClient: () => "pass",
    onServer: () => "pass",
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return wire
}
