import type { ChildProcess } from "node:child_process"
import type { Summary } from "../../../src/summary.ts"
import { drainEnv, type Ended, peppermill, type RunOptions } from "../../binary.ts"
import { createDatabase, type TestDatabase } from "../../database.ts"
import { type StubOptions, startSqsStub } from "../../sqs-stub.ts"
import { createIdentity } from "../../vault/keys.ts"
import { type Differences, differences } from "./checker.ts"
import { message, type Sent } from "./messages.ts"
import { postgresReader } from "./postgres-reader.ts"
import { seeded } from "./random.ts"
import { sqsReader } from "./sqs-reader.ts"
import type { Logged } from "./wire-log.ts"
import { createWire, type Plan, type Wire } from "./wire-proxy.ts"

export interface SiteOptions extends StubOptions {
  readonly seed: number
  /** Settings of the drain, by the names of their variables without PEPPERMILL_. */
  readonly set?: Readonly<Record<string, string>>
  /** What drains. Default: the built executable. */
  readonly program?: NonNullable<RunOptions["program"]>
  /** Default: a database of its own on the server of the tests. */
  readonly database?: TestDatabase
  /** Default: `message`. */
  readonly messageOf?: (n: number) => Sent
}

/** Ends the process under the plan. */
export type Kill = (signal?: NodeJS.Signals) => void

export interface Worker {
  readonly wire: Wire
  /** One life of the process, to its end or its death. */
  run(plan?: (kill: Kill) => Plan): Promise<Ended>
}

/** A hostile queue, a real database, and processes that drain the one into the other, each over its own wire. */
export interface Site extends AsyncDisposable {
  readonly database: TestDatabase
  readonly queue: Awaited<ReturnType<typeof startSqsStub>>["queue"]
  readonly log: Logged[]
  /** @returns The message ids. */
  send(count: number): readonly string[]
  /** This one, whatever it looks like, is to be quarantined. */
  expectRefused(id: string): void
  worker(): Worker
  check(): Promise<Differences>
  /** Forget everything: another proof begins. */
  reset(): Promise<void>
}

const EMPTY = `truncate user_logins, peppermill.ledger, vault.originals, vault.quarantine, vault.data_keys`

export async function openSite(options: SiteOptions): Promise<Site> {
  const stub = await startSqsStub({ random: seeded(options.seed), waitMs: 50, log: false, ...options })
  const database = options.database ?? (await createDatabase())
  const { identity, recipient } = await createIdentity()
  const { url } = await database.login("peppermill_writer")
  const { hostname, port } = new URL(url)
  const links = {
    queue: { host: "127.0.0.1", port: Number(new URL(stub.endpoint).port), reader: sqsReader },
    database: { host: hostname, port: Number(port), reader: postgresReader },
  }
  const settings = Object.entries({
    VAULT_RECIPIENTS: recipient,
    QUEUE_VISIBILITY_SECONDS: "1",
    DRAIN_EMPTY_POLLS: "1",
    DRAIN_TIMEOUT_SECONDS: "30",
    BATCH_LINGER_MS: "20",
    ...options.set,
  }).map(([name, value]) => [`PEPPERMILL_${name}`, value])
  const log: Logged[] = []
  const sent = new Map<string, Sent>()
  const wires: Wire[] = []
  const running = new Set<ChildProcess>()
  let runs = 0

  return {
    database,
    queue: stub.queue,
    log,
    send(count) {
      const all = Array.from({ length: count }, (_, n) => (options.messageOf ?? message)(sent.size + n))
      const ids = stub.send(all.map(({ body }) => body))
      for (const [at, id] of ids.entries()) sent.set(id, all[at] as Sent)
      return ids
    },
    expectRefused(id) {
      sent.set(id, { ...(sent.get(id) as Sent), event: null })
    },
    worker() {
      const wire = createWire(links, log)
      wires.push(wire)
      const through = (address: string, link: string) => {
        const changed = new URL(address)
        changed.port = String(wire.port(link))
        return changed.href
      }
      return {
        wire,
        async run(plan = () => () => "pass") {
          let child: ChildProcess | undefined
          await wire.begin(
            ++runs,
            plan((signal = "SIGKILL") => child?.kill(signal)),
          )
          const queue = { url: through(stub.url, "queue"), region: stub.region }
          const env = { ...drainEnv(queue, through(url, "database")), ...Object.fromEntries(settings) }
          return await peppermill(["--batch", "--json", "--max-rejects", "100%"], {
            env,
            limitMs: 600_000,
            ...(options.program && { program: options.program }),
            onStart(started) {
              child = started
              running.add(started)
              started.once("exit", () => running.delete(started))
            },
          })
        },
      }
    },
    check: () => differences(database, sent, identity),
    async reset() {
      await database.query(EMPTY)
      sent.clear()
      log.length = 0
    },
    async [Symbol.asyncDispose]() {
      // After a proof that failed, some may still be at it.
      for (const child of running) child.kill("SIGKILL")
      await Promise.all(wires.map((wire) => wire.close()))
      await stub.close()
      if (options.database === undefined) await database.drop()
    },
  }
}

/**
 * Let a process live again and again, until one life finds the queue empty.
 *
 * @param plans - The plan of each life; when they are used up, nothing more happens to it.
 * @throws Error with the words of a run that ended neither so nor by its plan's signal.
 */
export async function drainUntilEmpty(
  worker: Worker,
  plans: Iterable<(kill: Kill) => Plan> = [],
): Promise<readonly Ended[]> {
  const ends: Ended[] = []
  const each = plans[Symbol.iterator]()
  for (;;) {
    const plan = each.next()
    const ended = await worker.run(plan.done ? undefined : plan.value)
    ends.push(ended)
    if (ended.status === 0) return ends
    // 75: others hold messages, perhaps a life before this one.
    if (ended.status !== "SIGKILL" && ended.status !== 75)
      throw new Error(`a run ended with ${ended.status}: ${ended.stderr}`)
  }
}

export const summaryOf = ({ stdout }: Ended): Summary => JSON.parse(stdout) as Summary

/** A plan that kills the process at one chunk: before it has crossed, or right after. */
export function killAt(n: number, when: "before" | "after"): (kill: Kill) => Plan {
  return (kill) => (chunk) => {
    if (chunk.n !== n) return "pass"
    if (when === "after") return { thenDo: () => kill() }
    kill()
    return "cut"
  }
}
