import { UserError } from "../errors.ts"
import { EXIT } from "../exit-code.ts"
import type { Io } from "../io.ts"
import { certificate } from "../recover/certificate.ts"
import { eraseSubject, previewErasure, proveErased, scanQuarantine } from "../recover/erase.ts"
import { safe } from "../safe.ts"
import { type AskLine, type ConfirmOptions, confirmCount } from "./confirm.ts"
import { openIdentities } from "./identity.ts"
import { jsonLine } from "./json-line.ts"
import { type IdentityOptions, readWhy, type WhyOptions } from "./keeping-options.ts"
import type { CommonOptions } from "./options.ts"
import { withPatientDatabase } from "./settings-database.ts"

/**
 * `peppermill erase --subject S`: preview, confirmation by count, deletion, a
 * try to recover, and a certificate on standard output. Exit status 65 when
 * that try still finds something.
 */
export async function runErase(
  io: Io,
  options: CommonOptions &
    WhyOptions &
    IdentityOptions &
    ConfirmOptions & { readonly subject?: string; readonly sever?: boolean },
  ask?: AskLine,
): Promise<void> {
  const { subject, identity, sever = false } = options
  if (subject === undefined) {
    throw new UserError("usage", "--subject is missing: erase whom?", { hint: "--subject S" })
  }
  const why = readWhy(options)
  await withPatientDatabase(io, options, async (db, { secrets }) => {
    const scan =
      identity === undefined
        ? null
        : await scanQuarantine(db, subject, why, await openIdentities(io, secrets, identity))
    const originals = await previewErasure(db, subject)
    const messageIds = scan?.messageIds ?? []
    const count = Object.values(originals).reduce((sum, n) => sum + n, messageIds.length)
    tellWhat(io, originals, messageIds.length, scan?.unopened ?? null, sever)
    await confirmCount(io, options, count, ask)
    const erasure = await eraseSubject(db, { subject, messageIds, expected: count, sever }, why)
    const recovery = await proveErased(db, subject, why)
    const unopened = scan?.unopened ?? null
    io.out(jsonLine(certificate(subject, erasure, { ...why, sever, unopened, recovery })))
    if (recovery.outcome === "not-found") {
      io.err("peppermill: erased; a recovery was tried and found nothing\n")
    } else if (recovery.outcome === "not-tried" && recovery.originals === 0) {
      io.err(`peppermill: erased; no recovery was tried (${recovery.why}), and no original is left\n`)
    } else {
      io.err(`peppermill: erased, but ${recovery.originals} originals have come since\n`)
      io.err("peppermill: hint: messages about the person still arrive: run it again when they have ended\n")
      io.exitCode = EXIT.data
    }
  })
}

function tellWhat(
  io: Io,
  originals: Readonly<Record<string, number>>,
  bodies: number,
  unopened: number | null,
  sever: boolean,
): void {
  const say = (text: string) => io.err(`peppermill: ${text}\n`)
  say("this will be deleted for good:")
  for (const [field, count] of Object.entries(originals)) say(`  ${count} originals of ${safe(field)}`)
  say(`  ${bodies} quarantined messages that name the person`)
  if (unopened === null) say("  (none was looked into: --identity FILE opens them)")
  else if (unopened > 0) say(`  (${unopened} more do not open with this identity)`)
  if (sever) say("and the tokens in the person's rows will be replaced by random ones")
}
