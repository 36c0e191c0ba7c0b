import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import type { Reader, Saying } from "./sayings.ts"
import type { Logged } from "./wire-log.ts"

/** Bytes on their way, as one read of a socket gave them. */
export interface Chunk {
  /** Over all links and both directions, from 1 in each run. */
  readonly n: number
  readonly link: string
  readonly toServer: boolean
  /** Of the link's connections in this run, from 1. */
  readonly connection: number
  readonly bytes: Buffer
  readonly says: readonly Saying[]
}

/**
 * What becomes of a chunk. `drop`: it alone vanishes. `cut`: it vanishes, and the
 * connection is closed. `hole`: from here on nothing crosses this connection, and
 * nobody is told.
 */
export type Fate =
  | "pass"
  | "drop"
  | "cut"
  | "hole"
  | { readonly delayMs: number }
  | { readonly truncateTo: number }
  | { readonly thenDo: () => void }

/** Decides on every chunk before it crosses. */
export type Plan = (chunk: Chunk) => Fate

export interface Link {
  readonly port: number
  readonly host: string
  readonly reader: () => Reader
}

/** Proxies between one process and its servers. */
export interface Wire {
  /** Where this run's process finds each server. */
  port(link: string): number
  /**
   * A new life of the process begins: chunks are counted anew, and follow this plan. It comes by
   * ports of its own, so that what a dead process had sent before it was let in is not taken for its.
   */
  begin(run: number, plan: Plan): Promise<void>
  /** Chunks of this run. */
  readonly chunks: number
  /** Connections of this run, by link. */
  connections(link: string): number
  close(): Promise<void>
}

/** @param log - Takes what was said: by the process when it says it, by a server when it gets through. */
export function createWire(links: Readonly<Record<string, Link>>, log: Logged[]): Wire {
  let servers = new Map<string, { readonly server: Server; readonly port: number }>()
  const open = new Set<Socket>()
  let run = 0
  let chunks = 0
  let plan: Plan = () => "pass"
  let connections: Record<string, number> = {}

  function serve(ofRun: number, link: string, { host, port, reader }: Link, client: Socket): void {
    const connection = (connections[link] ?? 0) + 1
    connections[link] = connection
    const server = connect({ host, port, noDelay: true, allowHalfOpen: true })
    const read = reader()
    let isHole = false

    function join(from: Socket, to: Socket, toServer: boolean): void {
      let before = Promise.resolve()
      open.add(from)
      // A closed socket is what many plans are about; its reason is not.
      from.on("error", () => {})
      from.on("close", () => {
        open.delete(from)
        void before.then(() => to.end(() => to.destroy()))
      })
      from.on("end", () => void before.then(() => isHole || to.end()))
      from.on("data", (bytes: Buffer) => {
        if (isHole || ofRun !== run) return
        const says = toServer ? read.fromClient(bytes) : read.fromServer(bytes)
        const chunk = { n: ++chunks, link, toServer, connection, bytes, says }
        if (toServer) log.push(...says.map((saying) => ({ run: ofRun, saying })))
        before = before.then(() => cross(chunk, plan(chunk), from, to))
      })
    }

    async function cross(chunk: Chunk, fate: Fate, from: Socket, to: Socket): Promise<void> {
      if (isHole || fate === "drop") return
      if (fate === "hole") {
        isHole = true
        return
      }
      if (fate === "cut" || to.destroyed) {
        from.destroy()
        to.destroy()
        return
      }
      if (typeof fate === "object" && "delayMs" in fate) await sleep(fate.delayMs)
      if (typeof fate === "object" && "truncateTo" in fate) {
        to.end(chunk.bytes.subarray(0, fate.truncateTo), () => to.destroy())
        from.destroy()
        return
      }
      if (!chunk.toServer) log.push(...chunk.says.map((saying) => ({ run: ofRun, saying })))
      to.write(chunk.bytes)
      if (typeof fate === "object" && "thenDo" in fate) fate.thenDo()
    }

    join(client, server, true)
    join(server, client, false)
  }

  async function listen(): Promise<void> {
    const ofRun = run
    for (const [name, link] of Object.entries(links)) {
      const server = createServer({ noDelay: true, allowHalfOpen: true }, (client) =>
        serve(ofRun, name, link, client),
      )
      await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
      servers.set(name, { server, port: (server.address() as AddressInfo).port })
    }
  }

  /** Lets nobody in any more. Resolves once whoever is in has left. */
  function shut(): Promise<unknown> {
    const closed = [...servers.values()].map(({ server }) => new Promise((done) => server.close(done)))
    servers = new Map()
    return Promise.all(closed)
  }

  return {
    port: (link) => servers.get(link)?.port ?? 0,
    async begin(nextRun, nextPlan) {
      void shut()
      run = nextRun
      plan = nextPlan
      chunks = 0
      connections = {}
      await listen()
    },
    get chunks() {
      return chunks
    },
    connections: (link) => connections[link] ?? 0,
    async close() {
      for (const socket of open) socket.destroy()
      await shut()
    },
  }
}
