import { UserError } from "../errors.ts"
import { EXIT } from "../exit-code.ts"
import type { Io } from "../io.ts"
import type { Why } from "../recover/job.ts"
import {
  type Chosen,
  countQuarantined,
  dropQuarantined,
  type OpenedMessage,
  quarantinedMessages,
  quarantineGroups,
  releaseMessage,
  requestMessage,
  showInOneStep,
} from "../recover/quarantine.ts"
import { replay } from "../recover/replay.ts"
import { safe } from "../safe.ts"
import type { Database } from "../sink/connection.ts"
import { columns } from "./columns.ts"
import { type AskLine, type ConfirmOptions, confirmCount } from "./confirm.ts"
import { openIdentities } from "./identity.ts"
import { jsonLine } from "./json-line.ts"
import { type IdentityOptions, readWhy, requireIdentity, type WhyOptions } from "./keeping-options.ts"
import type { CommonOptions } from "./options.ts"
import { chooseDestination, type DestinationOptions } from "./originals-destination.ts"
import { withDatabase } from "./settings-database.ts"

interface ChoiceOptions {
  readonly reasonCode?: string
  readonly id?: readonly string[]
  readonly all?: boolean
}

export async function runQuarantineLs(
  io: Io,
  options: CommonOptions & {
    readonly messages?: boolean
    readonly reasonCode?: string
    readonly limit: number
  },
): Promise<void> {
  if (options.reasonCode !== undefined && !options.messages) {
    throw new UserError("usage", "--reason-code goes with --messages", { hint: "the groups are few anyway" })
  }
  await withDatabase(io, options, async (db) => {
    if (options.messages) await listMessages(io, options, db)
    else await listGroups(io, options, db)
  })
}

/** `quarantine show ID`: one body, under the rules for originals. */
export async function runQuarantineShow(
  io: Io,
  id: string,
  options: CommonOptions & WhyOptions & IdentityOptions & DestinationOptions & { readonly request?: string },
): Promise<void> {
  const { request } = options
  const identity = requireIdentity(options)
  const why = request === undefined ? readWhy(options) : null
  const choose = chooseDestination(io, options)
  await withDatabase(io, options, async (db, { secrets }) => {
    const identities = await openIdentities(io, secrets, identity)
    await using destination = await choose()
    const message =
      request !== undefined
        ? await releaseMessage(db, request, id, identities)
        : await showInOneStep(db, id, why as Why, identities)
    if (message === null) throw await awaitApproval(db, id, why as Why)
    if (message.body === null) {
      throw new UserError("permission", "the message does not open with this identity", {
        hint: "its data key is wrapped for others, or it was tampered with; the attempt is on record",
      })
    }
    await destination.write(
      options.json ? jsonLine({ schema: 1, ...message }) : messageText(message, message.body),
    )
  })
}

/** `quarantine replay`: exit status 65 when something stays behind. */
export async function runQuarantineReplay(
  io: Io,
  options: CommonOptions & WhyOptions & IdentityOptions & ChoiceOptions,
): Promise<void> {
  const chosen = readChosen(options)
  const why = readWhy(options)
  const identity = requireIdentity(options)
  await withDatabase(io, options, async (db, settings) => {
    const { openDecoding } = await import("../open.ts")
    const [identities, decoding] = await Promise.all([
      openIdentities(io, settings.secrets, identity),
      openDecoding(settings),
    ])
    const { vault, database } = settings.config
    const result = await replay(db, chosen, why, {
      ...decoding,
      identities,
      recipients: vault.recipients,
      retrySeconds: database.retrySeconds,
    })
    const rejected = Object.values(result.rejected).reduce((sum, count) => sum + count, 0)
    if (options.json) io.out(jsonLine({ schema: 1, ...result }))
    else {
      io.out(
        columns([
          ["stored", String(result.stored)],
          ...Object.entries(result.rejected).map(([reason, count]) => [`still ${reason}`, String(count)]),
          ["do not open", String(result.unopened)],
        ]),
      )
    }
    if (rejected + result.unopened > 0) io.exitCode = EXIT.data
  })
}

/** `quarantine drop`: delete, once the count is confirmed. */
export async function runQuarantineDrop(
  io: Io,
  options: CommonOptions & WhyOptions & ChoiceOptions & ConfirmOptions,
  ask?: AskLine,
): Promise<void> {
  const chosen = readChosen(options)
  const why = readWhy(options)
  await withDatabase(io, options, async (db) => {
    const count = await countQuarantined(db, chosen)
    io.err(
      `peppermill: ${count} message${count === 1 ? "" : "s"} of the quarantine will be deleted for good\n`,
    )
    await confirmCount(io, options, count, ask)
    const dropped = await dropQuarantined(db, chosen, count, why)
    if (options.json) io.out(jsonLine({ schema: 1, dropped }))
    else io.err(`peppermill: deleted ${dropped}\n`)
  })
}

async function listGroups(io: Io, options: CommonOptions, db: Database): Promise<void> {
  const groups = await quarantineGroups(db)
  if (options.json) io.out(jsonLine({ schema: 1, groups }))
  else if (groups.length === 0) io.err("peppermill: the quarantine is empty\n")
  else {
    io.out(
      columns([
        ["COUNT", "REASON", "FIELD", "OLDEST", "SHAPE"],
        ...groups.map(({ count, reason, field, oldestSentAtMs, shape }) => [
          String(count),
          reason,
          field,
          timeText(oldestSentAtMs),
          shape,
        ]),
      ]),
    )
  }
}

async function listMessages(
  io: Io,
  options: CommonOptions & { readonly reasonCode?: string; readonly limit: number },
  db: Database,
): Promise<void> {
  const { reasonCode, limit } = options
  const messages = await quarantinedMessages(
    db,
    reasonCode === undefined ? {} : { reason: reasonCode },
    limit,
  )
  if (options.json) io.out(jsonLine({ schema: 1, messages }))
  else if (messages.length === 0) io.err("peppermill: no such message is in the quarantine\n")
  else {
    io.out(
      columns([
        ["MESSAGE", "SENT", "REASON", "FIELD", "SHAPE"],
        ...messages.map(({ messageId, sentAtMs, reason, field, shape }) => [
          messageId,
          timeText(sentAtMs),
          reason,
          field,
          shape,
        ]),
      ]),
    )
  }
}

async function awaitApproval(db: Database, messageId: string, why: Why): Promise<UserError> {
  const { id, approvalsNeeded } = await requestMessage(db, messageId, why)
  return new UserError("permission", `showing it needs ${approvalsNeeded} approvals by other people here`, {
    hint: `peppermill recover approve ${id}, then peppermill quarantine show ${messageId} --request ${id}`,
  })
}

function messageText({ messageId, reason, field, sentAtMs }: OpenedMessage, body: string): string {
  const head = columns([
    ["message", messageId],
    ["rejected", `${reason} (${field})`],
    ["sent", timeText(sentAtMs)],
  ])
  return `${head}${safe(body)}\n`
}

function readChosen({ reasonCode, id, all }: ChoiceOptions): Chosen {
  if (all && (reasonCode !== undefined || id !== undefined)) {
    throw new UserError("usage", "--all stands alone", { hint: "leave --all out to choose some" })
  }
  if (!all && reasonCode === undefined && id === undefined) {
    throw new UserError("usage", "which messages? none are named", { hint: "--reason-code, --id or --all" })
  }
  return { reasonCode: reasonCode ?? null, ids: id ?? null }
}

const timeText = (ms: number) => new Date(ms).toISOString().replace(/\.\d+Z$/, "Z")
