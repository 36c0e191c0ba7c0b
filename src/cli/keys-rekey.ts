import { UserError } from "../errors.ts"
import { EXIT } from "../exit-code.ts"
import type { Io } from "../io.ts"
import { checkValue, type MaskKey, type MaskKeys } from "../mask/mask-keys.ts"
import { rekey } from "../recover/rekey.ts"
import { checkMaskKeys } from "../sink/mask-keys.ts"
import { columns } from "./columns.ts"
import { openIdentities } from "./identity.ts"
import { jsonLine } from "./json-line.ts"
import { type IdentityOptions, readWhy, requireIdentity, type WhyOptions } from "./keeping-options.ts"
import type { CommonOptions } from "./options.ts"
import { withPatientDatabase } from "./settings-database.ts"

/** Milliseconds between two lines of progress. */
const PROGRESS_MS = 5_000

/** `keys rekey --from k1 --to k2`: exit status 75 when the old key could not be retired. */
export async function runKeysRekey(
  io: Io,
  options: CommonOptions & WhyOptions & IdentityOptions & { readonly from: string; readonly to: string },
): Promise<void> {
  const why = readWhy(options)
  const identity = requireIdentity(options)
  await withPatientDatabase(io, options, async (db, settings) => {
    const { masking, vault, database } = settings.config
    if (masking.activeKey !== options.to) {
      throw new UserError(
        "config",
        `masking.activeKey is not ${options.to}: drains would go on with another key`,
        {
          hint: `peppermill keys rotate --id ${options.to} says how to go on`,
        },
      )
    }
    if (vault.recipients.length === 0) {
      throw new UserError("config", "vault.recipients is empty: nobody to seal the originals for", {
        hint: "name the recipients, as the drains have them",
      })
    }
    const { openMaskKeys } = await import("../open.ts")
    const keys = await openMaskKeys(settings)
    const [from, to] = [keyOf(keys, "--from", options.from), keyOf(keys, "--to", options.to)]
    await checkMaskKeys(
      db,
      keys.live.map((key) => ({ id: key.id, checkValue: checkValue(key) })),
      to.id,
    )
    const identities = await openIdentities(io, settings.secrets, identity)
    let toldMs = Date.now()
    const result = await rekey(db, why, {
      from,
      to,
      identities,
      shape: settings.shape,
      recipients: vault.recipients,
      retrySeconds: database.retrySeconds,
      onProgress(originals, events) {
        if (Date.now() - toldMs < PROGRESS_MS) return
        toldMs = Date.now()
        io.err(`peppermill: ${originals} originals and ${events} tokens moved\n`)
      },
    })
    if (options.json) io.out(jsonLine({ schema: 1, from: from.id, to: to.id, ...result }))
    else {
      io.out(
        columns([
          ["tokens moved", `${result.events}, of ${result.classes} different values; equal stayed equal`],
          ["originals sealed anew", String(result.originals)],
          ["originals that do not open", String(result.unopened)],
          [`tokens left under ${from.id}`, `${result.eventsLeft}, of ${result.tokensLeft} different values`],
          [from.id, result.retired ? "retired" : "still live"],
        ]),
      )
    }
    if (result.retired) return
    io.exitCode = EXIT.unfinished
    io.err(`peppermill: ${from.id} cannot be retired: ${whyLive(result.eventsLeft, result.originalsLeft)}\n`)
    io.err(
      "peppermill: hint: run it with the identities that are missing; erase --sever frees a person's rows\n",
    )
  })
}

function whyLive(events: number, originals: number): string {
  return events > 0
    ? `${events} tokens in the event table have no original that opens`
    : `${originals} originals do not open`
}

function keyOf(keys: MaskKeys, option: string, id: string): MaskKey {
  const key = keys.live.find((one) => one.id === id)
  if (key !== undefined) return key
  throw new UserError("config", `${option}: masking.keys has no key ${id}`, {
    hint: "both keys have to be at hand: each original is checked against its old token",
  })
}
