import { randomUUID } from "node:crypto"
import { queueName } from "./config/queue-url.ts"
import { parseTopicArn } from "./config/topic-arn.ts"
import type { Io } from "./io.ts"
import type { Alert } from "./observe/alert.ts"
import type { Settings } from "./open.ts"

/** What a command did that others should hear of. */
export type Announcement =
  | {
      readonly type: "recovery"
      readonly request: string
      readonly originals: number
      /** The database user. Asked for only where somebody is to hear it. */
      readonly actor: () => Promise<string>
    }
  | { readonly type: "audit-broken"; readonly position: number }

/** The alert gets this long to be sent. */
const SETTLE_MS = 5_000

/**
 * Announce to the topic, and to CloudWatch by a line of metrics: each where it is configured, and nothing
 * where none is. The record is the audit log; this is so that somebody looks into it. Never rejects: what
 * could not be sent stands in the log.
 */
export async function announce(
  { config }: Pick<Settings, "config">,
  io: Pick<Io, "err" | "stderrIsTerminal">,
  announcement: Announcement,
): Promise<void> {
  const { service, emf, logLevel: level, logFormat } = config.observe
  const { topicArn, endpoint } = config.alerts
  const topic = topicArn === null ? null : parseTopicArn(topicArn)
  if (topic === null && !emf) return
  const { url } = config.queue
  const about = { service, queue: url === null ? null : queueName(url), run: randomUUID() }
  const now = Date.now
  const alert = await alertOf(announcement)

  if (emf && announcement.type === "recovery") {
    const { emfLine } = await import("./observe/emf.ts")
    const { request, originals } = announcement
    io.err(emfLine(now(), about, [["recoveries", originals]], { request, actor: alert.actor }))
  }
  if (topic === null) return
  const [{ createAlerts }, { createLog, formatFor }, { createSnsSender }] = await Promise.all([
    import("./observe/alerts.ts"),
    import("./observe/log.ts"),
    import("./observe/sns.ts"),
  ])
  const log = await createLog({ level, format: formatFor(logFormat, io), write: io.err, about, now })
  const alerts = createAlerts(
    { rejectPercent: null, oldestMessageSeconds: null },
    {
      // Who runs the command knows what it did. That nobody else heard of it is what has to be told.
      log: {
        tell(happening) {
          if (happening.type !== "not-told") return
          log.tell({ type: "alert", alert })
          log.tell(happening)
        },
      },
      send: createSnsSender({ topic, endpoint, about }),
      now,
    },
  )
  alerts.raise(alert)
  await alerts.settle(SETTLE_MS)
}

async function alertOf(announcement: Announcement): Promise<Alert> {
  if (announcement.type === "audit-broken") {
    const words = `the audit log is broken at record ${announcement.position}`
    return { kind: "audit-broken", state: "alarm", words }
  }
  const { request, originals: count } = announcement
  // Whose request it was stands on record, so a failure to ask again must not hide the release.
  const actor = await announcement.actor().catch(() => "unknown")
  const words = `${actor} recovered ${count} original${count === 1 ? "" : "s"}`
  return { kind: "recovery", state: "alarm", words, request, actor, count }
}
