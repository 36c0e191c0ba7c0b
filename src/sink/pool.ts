import { Socket } from "node:net"
import type { PostgresPool, PostgresPoolClient, PostgresQueryResult } from "kysely"
import pg from "pg"
import type { PostgresAddress } from "../config/database-address.ts"
import type { Credentials, Timeouts } from "./connection.ts"
import { actionOn, isServerError } from "./sqlstate.ts"

export interface PoolSettings {
  readonly poolSize: number
  readonly timeouts: Timeouts
  readonly credentials?: () => Credentials
}

/** How long `end` waits for the server's farewell before it hangs up. */
const FAREWELL_MS = 2_000

/** A pool of connections, in the form kysely asks for. */
export function openPool(address: PostgresAddress, settings: PoolSettings): PostgresPool {
  const sockets = new Set<Socket>()
  const { timeouts, poolSize, credentials = () => address } = settings

  class ExplicitClient extends pg.Client {
    constructor() {
      super({ ...explicitConfig(address, credentials(), timeouts), stream: () => open(sockets) })
    }

    // pg would add options and replication from the environment.
    getStartupConf(): Record<string, string> {
      return {
        user: this.user ?? "",
        database: this.database ?? "",
        application_name: address.applicationName,
        statement_timeout: String(timeouts.statementMs),
        lock_timeout: String(timeouts.lockMs),
        idle_in_transaction_session_timeout: String(timeouts.idleInTransactionMs),
      }
    }
  }

  const pool = new pg.Pool({
    Client: ExplicitClient,
    max: poolSize,
    connectionTimeoutMillis: timeouts.connectMs,
  })
  // A connection may die at any time. Whoever uses it learns so from the query; without
  // a listener, Node would end the process for the ones that nobody uses.
  pool.on("error", () => {})
  pool.on("connect", (client) => client.on("error", () => {}))

  return {
    options: {},
    async connect() {
      return guard(await pool.connect())
    },
    async end() {
      const hangUp = setTimeout(() => {
        for (const socket of sockets) socket.destroy()
      }, FAREWELL_MS)
      await pool.end()
      // pg does not wait for them, and an open one keeps the process alive.
      await Promise.all([...sockets].map((socket) => new Promise((resolve) => socket.once("close", resolve))))
      clearTimeout(hangUp)
    },
  }
}

/** Every field that pg would otherwise fill from PG* variables, a password file or a default. */
function explicitConfig(address: PostgresAddress, { user, password }: Credentials, timeouts: Timeouts) {
  return {
    host: address.host,
    port: address.port,
    user,
    // As a function, because pg takes an empty text for "look elsewhere".
    password: () => password,
    database: address.database,
    ssl: address.tls === null ? false : { ...address.tls },
    sslnegotiation: "postgres",
    client_encoding: "UTF8",
    application_name: address.applicationName,
    connectionTimeoutMillis: timeouts.connectMs,
    query_timeout: timeouts.queryMs,
    keepAlive: true,
  } as const
}

function open(sockets: Set<Socket>): Socket {
  const socket = new Socket()
  sockets.add(socket)
  return socket.once("close", () => sockets.delete(socket))
}

/**
 * Never hand a doubtful connection to the next user: one that failed other than
 * by the server's refusal of a statement, or one with a transaction still open,
 * is closed on release.
 */
function guard(client: pg.PoolClient): PostgresPoolClient {
  let failure: unknown
  const query = async <R>(text: string, parameters: readonly unknown[]): Promise<PostgresQueryResult<R>> => {
    // The first failure is the cause. What follows on a dead connection, a rollback
    // say, would hide it, and would wait out another timeout.
    if (failure !== undefined) throw failure
    try {
      return (await client.query(text, [...parameters])) as unknown as PostgresQueryResult<R>
    } catch (error) {
      if (!isServerError(error) || actionOn(error.code) === "reconnect") failure = error
      throw error
    }
  }
  return {
    query: query as PostgresPoolClient["query"],
    release(destroy) {
      client.release(destroy === true || failure !== undefined || client.getTransactionStatus() !== "I")
    },
  }
}
