import { readFile, writeFile } from "node:fs/promises"
import { resolve } from "node:path"
import { announce } from "../announce.ts"
import type { ChainHead, Defect } from "../audit/chain.ts"
import { readCheckpoint, signCheckpoint } from "../audit/checkpoint.ts"
import { listAudit, verifyAudit } from "../audit/database.ts"
import { outcomeOf } from "../audit/outcome.ts"
import { reportRecoveries } from "../audit/report.ts"
import { parseReference } from "../config/reference.ts"
import { readSecretFile } from "../config/secret-file.ts"
import type { Secrets } from "../config/secrets.ts"
import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"
import { recordsText, reportText } from "./audit-text.ts"
import { jsonLine } from "./json-line.ts"
import type { CommonOptions } from "./options.ts"
import { withDatabase } from "./settings-database.ts"
import { parseSince } from "./since.ts"

interface FilterOptions extends CommonOptions {
  readonly since?: string
  readonly actor?: string
  readonly subject?: string
}

export async function runAuditShow(
  io: Io,
  options: FilterOptions & { readonly limit: number },
): Promise<void> {
  const query = { ...filterOf(options), limit: options.limit }
  const newestFirst = await withDatabase(io, options, (db) => listAudit(db, query))
  const records = newestFirst.toReversed()
  if (options.json) {
    io.out(jsonLine({ schema: 1, records: records.map((record) => ({ ...record, ...outcomeOf(record) })) }))
  } else io.out(recordsText(records))
}

export async function runAuditReport(io: Io, options: FilterOptions): Promise<void> {
  const query = filterOf(options)
  const recoveries = await withDatabase(io, options, (db) => reportRecoveries(db, query))
  if (options.json) io.out(jsonLine({ schema: 1, recoveries }))
  else if (recoveries.length > 0) io.out(reportText(recoveries))
  else io.err("peppermill: nothing was recovered\n")
}

/** `audit verify`: exit status 0 when the log is whole, 65 when it is not. */
export async function runAuditVerify(
  io: Io,
  options: CommonOptions & { readonly checkpoint?: string; readonly publicKey?: string },
): Promise<void> {
  const checkpoint = await readCheckpointFile(io, options)
  const verdict = await withDatabase(io, options, async (db, settings) => {
    const verdict = await verifyAudit(db, checkpoint)
    if (!verdict.ok) await announce(settings, io, { type: "audit-broken", position: verdict.position })
    return verdict
  })
  if (!verdict.ok) {
    if (options.json) io.out(jsonLine({ schema: 1, ...verdict }))
    throw new UserError(
      "data",
      `the audit log is broken: record ${verdict.position} ${DEFECTS[verdict.why]}`,
      {
        hint: "somebody with the owner's rights changed the table: compare it with a backup",
      },
    )
  }
  const { size } = verdict
  const head = Buffer.from(verdict.head).toString("hex")
  if (options.json)
    io.out(jsonLine({ schema: 1, ok: true, size, head, checkpoint: checkpoint?.size ?? null }))
  else io.out(`${size} records are whole, head ${head}\n`)
  if (checkpoint === undefined) {
    io.err(
      "peppermill: hint: whether its end was cut off shows only against a checkpoint: --checkpoint FILE\n",
    )
  }
}

/** `audit checkpoint`: never signs a log that does not verify. */
export async function runAuditCheckpoint(
  io: Io,
  options: CommonOptions & { readonly key: string; readonly output: string },
): Promise<void> {
  const path = resolve(io.cwd, options.output)
  const { text, size } = await withDatabase(io, options, async (db, settings) => {
    const key = await readKey(io, settings.secrets, options.key)
    const verdict = await verifyAudit(db)
    if (!verdict.ok) {
      await announce(settings, io, { type: "audit-broken", position: verdict.position })
      throw new UserError(
        "data",
        `the audit log is broken: record ${verdict.position} ${DEFECTS[verdict.why]}`,
        {
          hint: "a broken log is not signed",
        },
      )
    }
    const { size, head } = verdict
    return { text: signCheckpoint({ size, head, atMs: Date.now() }, key), size }
  })
  await writeFile(path, text, { flag: "wx", mode: 0o644 }).catch((cause: NodeJS.ErrnoException) => {
    throw cause.code === "EEXIST"
      ? new UserError("usage", `--output: ${path} exists already`, { hint: "name a new file", cause })
      : new UserError("usage", `--output: ${path} cannot be created (${cause.code})`, { cause })
  })
  if (options.json) io.out(jsonLine({ schema: 1, size, output: path }))
  else io.err(`peppermill: signed ${size} records; keep the file away from the database\n`)
}

const DEFECTS: Readonly<Record<Defect, string>> = {
  missing: "is missing",
  "out-of-order": "stands in the wrong place, or twice",
  changed: "was changed or inserted",
  "cut-off": "and those after it were cut off",
  rewritten: "is not the one that the checkpoint signed: it, or one before it, was made anew",
}

function filterOf({ since, actor, subject }: FilterOptions) {
  return {
    ...(since !== undefined && { sinceMs: parseSince(since, Date.now()) }),
    ...(actor !== undefined && { actor }),
    ...(subject !== undefined && { subject }),
  }
}

async function readCheckpointFile(
  io: Io,
  { checkpoint, publicKey }: { readonly checkpoint?: string; readonly publicKey?: string },
): Promise<ChainHead | undefined> {
  if (checkpoint === undefined && publicKey === undefined) return undefined
  if (checkpoint === undefined || publicKey === undefined) {
    throw new UserError("usage", "--checkpoint and --public-key go together", { hint: "give both" })
  }
  const [text, key] = await Promise.all([
    readText(io, "--checkpoint", checkpoint),
    readText(io, "--public-key", publicKey),
  ])
  const read = readCheckpoint(text, key)
  if (read === null) {
    throw new UserError("data", "--checkpoint: was not signed with this key, or was changed since", {
      hint: "check that the public key is the one that belongs to it",
    })
  }
  return read
}

async function readText(io: Io, option: string, path: string): Promise<string> {
  return readFile(resolve(io.cwd, path), "utf8").catch((cause: NodeJS.ErrnoException) => {
    throw new UserError("usage", `${option}: cannot be read (${cause.code})`, { cause })
  })
}

async function readKey(io: Io, secrets: Pick<Secrets, "read">, option: string): Promise<string> {
  const reference = parseReference(option)
  if (reference !== null && reference.kind !== "file") return secrets.read(option, "--key")
  return readSecretFile(resolve(io.cwd, reference?.path ?? option))
}
