import { UserError } from "./errors.ts"
import { checkValue } from "./mask/mask-keys.ts"
import { openDatabaseOf, openMaskKeys, openSource, queueDoubts, type Settings } from "./open.ts"
import { describePermissions } from "./sandbox.ts"
import { unknownMaskKeys } from "./sink/mask-keys.ts"
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
 */
export async function* diagnose(open: () => Promise<Settings>): AsyncGenerator<Finding, void> {
  let settings: Settings
  try {
    settings = await open()
  } catch (error) {
    yield failure("configuration", error)
    return
  }
  const { file, warnings } = settings.loaded
  yield ok("configuration", file ?? "no file: defaults and variables")
  for (const warning of warnings) yield warn("configuration", warning)
  yield* attempt("mask keys", () => checkKeys(settings))
  yield* attempt("queue", () => checkQueue(settings))
  yield* attempt("database", () => checkDatabase(settings))
  yield checkVault(settings)
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
    ]
  } finally {
    source.close()
  }
}

async function checkDatabase(settings: Settings): Promise<readonly Finding[]> {
  const db = await openDatabaseOf(settings)
  const sink = createPostgresSink(db, settings.shape, {
    retrySeconds: 0,
    vault: settings.config.vault.recipients.length > 0,
  })
  try {
    await sink.check()
    const findings = [
      ok("database", `${settings.shape.table} takes every event, and this login may write it`),
    ]
    const keys = await openMaskKeys(settings).catch(() => null)
    if (keys === null) return findings
    const checks = keys.live.map((key) => ({ id: key.id, checkValue: checkValue(key) }))
    const unknown = await unknownMaskKeys(db, checks, keys.active.id)
    if (unknown.length === 0)
      findings.push(ok("key check", "the keys are those that made this database's tokens"))
    else
      findings.push(
        ok("key check", `${unknown.join(", ")}: new to this database; the first run remembers it`),
      )
    return findings
  } finally {
    await sink.close()
  }
}

function checkVault({ config }: Settings): Finding {
  const count = config.vault.recipients.length
  if (count > 0) return ok("vault", `originals are sealed for ${count} recipient${count === 1 ? "" : "s"}`)
  return warn(
    "vault",
    "off: no original can be recovered, and no row can be re-keyed, ever",
    "set vault.recipients to age public keys whose identities are kept elsewhere",
  )
}

function checkSandbox(): Finding {
  const permissions = describePermissions()
  if (permissions === null) return warn("sandbox", "run from source: nothing holds this process back")
  const words = (allowed: boolean) =>
    permissions.flatMap((permission) => (permission.allowed === allowed ? [permission.words] : [])).join(", ")
  return ok(
    "sandbox",
    `this process may ${words(true)}; it may not ${words(false)}; a drain may not write files either`,
  )
}

async function* attempt(
  name: string,
  check: () => Promise<readonly Finding[]>,
): AsyncGenerator<Finding, void> {
  try {
    yield* await check()
  } catch (error) {
    yield failure(name, error)
  }
}

function failure(name: string, error: unknown): Finding {
  if (error instanceof UserError)
    return { name, status: "fail", message: error.message, hint: error.hint, error }
  // The message of an error nobody foresaw may repeat data.
  const message =
    error instanceof Error ? `a bug in peppermill: ${error.constructor.name}` : "a bug in peppermill"
  return { name, status: "fail", message, error }
}

const ok = (name: string, message: string): Finding => ({ name, status: "ok", message })
const warn = (name: string, message: string, hint?: string): Finding => ({
  name,
  status: "warn",
  message,
  hint,
})
