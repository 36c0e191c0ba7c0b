import { dirname, join, resolve } from "node:path"
import { parseTopicArn } from "./config/topic-arn.ts"
import { UserError } from "./errors.ts"
import { checkValue } from "./mask/mask-keys.ts"
import { checkTopic } from "./observe/topic-check.ts"
import {
  openDatabaseOf,
  openDeadLetterQueue,
  openMaskKeys,
  openSource,
  queueDoubts,
  type Settings,
} from "./open.ts"
import { findIdentities, loginReach } from "./recover/reach.ts"
import { describePermissions } from "./sandbox.ts"
import type { Database } from "./sink/connection.ts"
import { parseTableName } from "./sink/identifier.ts"
import { unknownMaskKeys } from "./sink/mask-keys.ts"
import { newestPartition } from "./sink/partitions.ts"
import { createPostgresSink } from "./sink/postgres.ts"

/** What one check found, and what to do about it. */
export interface Finding {
  readonly name: string
  readonly status: "ok" | "warn" | "fail"
  readonly message: string
  readonly hint?: string | undefined
  /** Of a failure: picks the exit status. */
  readonly error?: unknown
}

/**
 * Look at everything a run needs, one finding after the other. Nothing is
 * received, stored or deleted. Never throws: a check that cannot be made is a finding.
 *
 * @param open - Reads the configuration: the first thing to check.
 * @param shared - The database, where it is open already and takes one owner only.
 */
export async function* diagnose(
  open: () => Promise<Settings>,
  shared?: () => Promise<Database>,
): AsyncGenerator<Finding, void> {
  let settings: Settings
  try {
    settings = await open()
  } catch (error) {
    yield* failures("configuration", error)
    return
  }
  const { file, warnings } = settings.loaded
  yield ok("configuration", file ?? "no file: defaults and variables")
  for (const warning of warnings) yield warn("configuration", warning)
  yield* attempt("mask keys", () => checkKeys(settings))
  yield* attempt("queue", () => checkQueue(settings))
  yield* attempt("database", () => onDatabase(settings, shared, (db) => checkDatabase(settings, db)))
  yield* attempt("vault", () => checkVault(settings, shared))
  yield* attempt("alerts", () => checkAlerts(settings))
  yield checkSandbox()
}

async function checkKeys(settings: Settings): Promise<readonly Finding[]> {
  const { active, live } = await openMaskKeys(settings)
  const others = live.slice(1).map((key) => key.id)
  const more = others.length === 0 ? "" : `; ${others.join(", ")} still known`
  return [ok("mask keys", `${active.id} makes new tokens${more}`)]
}

async function checkQueue(settings: Settings): Promise<readonly Finding[]> {
  const { source, queue } = await openSource(settings, () => {})
  try {
    const [facts, counts] = [await source.facts(), await source.counts()]
    const kind = facts.fifo ? "FIFO" : "standard"
    const found = ok(
      "queue",
      `${queue.name} (${kind}, ${queue.region}): about ${counts.visible} waiting, ${counts.inFlight} held, ${counts.delayed} delayed`,
    )
    return [
      found,
      ...queueDoubts(facts, settings.config.vault.recipients.length > 0).map((doubt) =>
        warn("queue", doubt, "give the queue a redrive policy"),
      ),
      ...(await checkDeadLetters(settings, facts.deadLetterQueueArn)),
    ]
  } finally {
    source.close()
  }
}

/** Only where a run would look into it. */
async function checkDeadLetters(settings: Settings, arn: string | null): Promise<readonly Finding[]> {
  const { topicArn, deadLetters } = settings.config.alerts
  if (topicArn === null || !deadLetters || arn === null) return []
  const source = await openDeadLetterQueue(settings, arn)
  try {
    const { visible, inFlight, delayed } = await source.counts()
    const count = visible + inFlight + delayed
    if (count === 0) return [ok("dead letters", "none")]
    const hint = "look why they could not be stored, then redrive or purge them"
    return [warn("dead letters", `about ${count} wait in the dead-letter queue`, hint)]
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    const hint = "allow sqs:GetQueueAttributes on it, or set alerts.deadLetters to false"
    return [warn("dead letters", error.message, hint)]
  } finally {
    source.close()
  }
}

/** Nothing is published, so whether we may publish is not known after it. */
async function checkAlerts(settings: Settings): Promise<readonly Finding[]> {
  const { topicArn, endpoint } = settings.config.alerts
  const topic = topicArn === null ? null : parseTopicArn(topicArn)
  if (topic === null) return [ok("alerts", "no topic: alerts stand in the log alone")]
  const name = topic.arn.split(":").at(-1)
  const subscriptions = await checkTopic(topic, endpoint)
  if (subscriptions === null) {
    const hint = "allow sns:GetTopicAttributes to have it checked; a drain needs sns:Publish only"
    return [warn("alerts", `we may not look at topic ${name}; nothing was published to try`, hint)]
  }
  if (subscriptions === 0)
    return [warn("alerts", `nobody has subscribed to topic ${name}`, "subscribe those who are to hear")]
  const heard = subscriptions === 1 ? "1 subscription" : `${subscriptions} subscriptions`
  return [ok("alerts", `topic ${name} has ${heard}; nothing was published to try`)]
}

async function checkDatabase(settings: Settings, db: Database): Promise<readonly Finding[]> {
  const vault = settings.config.vault.recipients.length > 0
  await createPostgresSink(db, settings.shape, { retrySeconds: 0, vault }).check()
  const findings = [ok("database", `${settings.shape.table} takes every event, and this login may write it`)]
  findings.push(...(await checkPartitions(settings, db)))
  const keys = await openMaskKeys(settings).catch(() => null)
  if (keys === null) return findings
  const checks = keys.live.map((key) => ({ id: key.id, checkValue: checkValue(key) }))
  const unknown = await unknownMaskKeys(db, checks, keys.active.id)
  if (unknown.length === 0)
    findings.push(ok("key check", "the keys are those that made this database's tokens"))
  else
    findings.push(ok("key check", `${unknown.join(", ")}: new to this database; the first run remembers it`))
  return findings
}

async function checkPartitions({ shape }: Settings, db: Database): Promise<readonly Finding[]> {
  const newest = await newestPartition(db, parseTableName(shape.table))
  if (newest === null) return []
  const { width, until, due } = newest
  if (!due) return [ok("partitions", `one for each ${width} until ${until}`)]
  return [
    warn("partitions", `none from ${until} on: rows will go to the default partition`, "run peppermill init"),
  ]
}

async function onDatabase<T>(
  settings: Settings,
  shared: (() => Promise<Database>) | undefined,
  work: (db: Database) => Promise<T>,
): Promise<T> {
  if (shared !== undefined) return await work(await shared())
  const db = await openDatabaseOf(settings)
  try {
    return await work(db)
  } finally {
    await db.destroy()
  }
}

/** The writer must not be able to read the vault: so everything within its reach is tried. */
async function checkVault(
  settings: Settings,
  shared: (() => Promise<Database>) | undefined,
): Promise<readonly Finding[]> {
  const { config, env, loaded } = settings
  const { recipients } = config.vault
  if (recipients.length === 0) {
    const cost =
      "off: no original can be recovered, no row can be re-keyed, and rejected messages stay in the queue"
    return [
      warn("vault", cost, "set vault.recipients to age public keys whose identities are kept elsewhere"),
    ]
  }
  const findings = [
    ok(
      "vault",
      `originals are sealed for ${recipients.length} recipient${recipients.length === 1 ? "" : "s"}`,
    ),
  ]
  const home = env["HOME"] ?? ""
  const folders = [
    process.cwd(),
    ...(loaded.file === null ? [] : [dirname(resolve(loaded.file))]),
    join(home, ".config/age"),
    join(home, ".config/sops/age"),
    home,
  ]
  for (const { place, recipients: owners } of await findIdentities(env, [...new Set(folders)])) {
    const opens = owners.some((owner) => recipients.includes(owner))
    const lies = opens ? "an identity that opens this vault lies" : "an age identity, of another vault, lies"
    const message = `${lies} in ${place}, where the writer runs`
    const hint = "keep identities on another host"
    findings.push(
      ...(opens
        ? failures("vault", new UserError("config", message, { hint }))
        : [warn("vault", message, hint)]),
    )
  }
  const { tables, functions } = await onDatabase(settings, shared, loginReach)
  if (tables.length + functions.length === 0) {
    findings.push(ok("vault", "tried: this login reads nothing of it, neither tables nor functions"))
  } else {
    const names = [...tables.map((name) => `vault.${name}`), ...functions.map((name) => `vault.${name}()`)]
    const hint = "a writer needs peppermill_writer and no other role, and must not be a superuser"
    const message = `this login reaches ${names.join(", ")}: sealed bytes, which only an identity opens`
    findings.push(warn("vault", message, hint))
  }
  return findings
}

function checkSandbox(): Finding {
  const permissions = describePermissions()
  if (permissions === null) return warn("sandbox", "run from source: nothing holds this process back")
  const words = (allowed: boolean) =>
    permissions.flatMap((permission) => (permission.allowed === allowed ? [permission.words] : [])).join(", ")
  return ok(
    "sandbox",
    `this process may ${words(true)}; it may not ${words(false)}; a drain may not write files either, and --batch reads none but credentials that may change`,
  )
}

async function* attempt(
  name: string,
  check: () => Promise<readonly Finding[]>,
): AsyncGenerator<Finding, void> {
  try {
    yield* await check()
  } catch (error) {
    yield* failures(name, error)
  }
}

/** A finding for each line of the error: a wrong configuration tells all its problems at once. */
function failures(name: string, error: unknown): readonly Finding[] {
  if (error instanceof UserError) {
    const lines = error.message.split("\n")
    return lines.map((message, index) => ({
      name,
      status: "fail",
      message,
      hint: index === lines.length - 1 ? error.hint : undefined,
      error,
    }))
  }
  // The message of an error nobody foresaw may repeat data.
  const message =
    error instanceof Error ? `a bug in peppermill: ${error.constructor.name}` : "a bug in peppermill"
  return [{ name, status: "fail", message, error }]
}

const ok = (name: string, message: string): Finding => ({ name, status: "ok", message })
const warn = (name: string, message: string, hint?: string): Finding => ({
  name,
  status: "warn",
  message,
  hint,
})
