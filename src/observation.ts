import { randomUUID } from "node:crypto"
import { parseListenAddress } from "./config/listen-address.ts"
import { queueName } from "./config/queue-url.ts"
import { parseTopicArn } from "./config/topic-arn.ts"
import type { DrainEvent } from "./drain-event.ts"
import { UserError } from "./errors.ts"
import type { Io } from "./io.ts"
import { createAlerts, type SendAlert } from "./observe/alerts.ts"
import { createDeadLetterLook } from "./observe/dead-letters.ts"
import { createEmf } from "./observe/emf.ts"
import { createFold } from "./observe/figures.ts"
import { createHealth } from "./observe/health.ts"
import { createLog, formatFor, type Log } from "./observe/log.ts"
import type { Happening } from "./observe/log-line.ts"
import type { MetricsServer } from "./observe/server.ts"
import { type OpenDrain, openDeadLetterQueue, type Settings } from "./open.ts"
import { systemClock } from "./time/clock.ts"

/** What watches a run, beside the surface that shows it: the log, metrics, probes and alerts. */
export interface Observation {
  readonly log: Log
  /** The drain stands, and begins. */
  opened(open: OpenDrain): void
  see(event: DrainEvent): void
  /** The run ended without a failure. */
  ended(result: Omit<Extract<Happening, { type: "ended" }>, "type">): void
  failed(error: unknown, exitStatus: number): void
  /** The last figures are written; alerts on their way, and a last look at the dead letters, get five seconds each. */
  close(): Promise<void>
}

/** Alerts on their way when a run ends get this long. */
const SETTLE_MS = 5_000

/**
 * Begin to watch a run, before anything of it stands: probes are answered from the first moment.
 *
 * @param io - Its standard error takes log lines and metrics.
 * @throws UserError when `observe.listen` cannot be listened on.
 */
export async function openObservation(
  settings: Settings,
  io: Pick<Io, "err" | "stderrIsTerminal">,
): Promise<Observation> {
  const { now } = systemClock
  const { observe, alerts: wanted, queue, database } = settings.config
  const { service, logLevel: level, logFormat } = observe
  const name = queue.url === null ? null : queueName(queue.url)
  const about = { service, queue: name, run: randomUUID() }
  const write = io.err

  const log = await createLog({ level, format: formatFor(logFormat, io), write, about, now })
  const fold = createFold(now)
  const health = createHealth(
    now,
    queue.waitSeconds + database.connectSeconds + database.statementSeconds + 60,
  )
  const emf = observe.emf ? createEmf(fold, { about, write, now }) : null
  const alerts = createAlerts(wanted, { log, send: await openSender(wanted, about), now })
  const server = observe.listen === null ? null : await serve(observe.listen)
  const timers: NodeJS.Timeout[] = []
  const every = (seconds: number, work: () => void) => timers.push(setInterval(work, seconds * 1000).unref())
  let look = async () => {}
  let hasEnded = false
  if (emf !== null) every(observe.emfSeconds, emf.flush)
  every(wanted.windowSeconds, () => {
    alerts.look()
    void look()
  })

  async function serve(listen: string): Promise<MetricsServer> {
    const [{ createScrape }, { serveMetrics }] = await Promise.all([
      import("./observe/prometheus.ts"),
      import("./observe/server.ts"),
    ])
    const scrape = await createScrape(fold, name === null ? {} : { queue: name })
    const server = await serveMetrics(parseListenAddress(listen), { scrape, health })
    log.tell({ type: "serving", url: server.url })
    return server
  }

  return {
    log,
    opened(open) {
      health.opened()
      alerts.raise({ kind: "run-failed", state: "ok", words: "the run begins anew" })
      for (const sentence of open.warnings) log.tell({ type: "doubt", sentence })
      const { table } = settings.shape
      const { follow } = open.drain.limits
      log.tell({ type: "draining", queue: open.queue.name, table, follow, vault: open.drain.vault !== null })
      const arn = open.deadLetterQueueArn
      if (wanted.topicArn !== null && wanted.deadLetters && arn !== null) {
        look = createDeadLetterLook(() => openDeadLetterQueue(settings, arn), { alerts, log })
      }
    },
    see(event) {
      fold.see(event)
      health.see(event)
      alerts.see(event)
      log.tell(event)
    },
    ended(result) {
      hasEnded = true
      log.tell({ type: "ended", ...result })
    },
    failed(error, exitStatus) {
      log.tell({ type: "failed", error, exitStatus })
      const words = error instanceof UserError ? error.message : "a bug in peppermill"
      alerts.raise({ kind: "run-failed", state: "alarm", words: `the run failed: ${words}` })
    },
    async close() {
      for (const timer of timers) clearInterval(timer)
      emf?.flush()
      if (hasEnded) await Promise.race([look(), systemClock.sleep(SETTLE_MS)])
      await alerts.settle(SETTLE_MS)
      server?.close()
    },
  }
}

/** null when there is no topic. */
async function openSender(
  { topicArn, endpoint }: Settings["config"]["alerts"],
  about: { readonly service: string; readonly queue: string | null; readonly run: string },
): Promise<SendAlert | null> {
  const topic = topicArn === null ? null : parseTopicArn(topicArn)
  if (topic === null) return null
  const { createSnsSender } = await import("./observe/sns.ts")
  return createSnsSender({ topic, endpoint, about })
}
