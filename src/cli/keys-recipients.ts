import { UserError } from "../errors.ts"
import { EXIT } from "../exit-code.ts"
import type { Io } from "../io.ts"
import { type Change, changeRecipients } from "../recover/recipients.ts"
import { openIdentities } from "./identity.ts"
import { jsonLine } from "./json-line.ts"
import { type IdentityOptions, readWhy, requireIdentity, type WhyOptions } from "./keeping-options.ts"
import type { CommonOptions } from "./options.ts"
import { withDatabase } from "./settings-database.ts"

/** `keys recipients add|remove`: exit status 65 when a data key stays as it was. */
export async function runKeysRecipients(
  io: Io,
  change: Change,
  options: CommonOptions & WhyOptions & IdentityOptions,
): Promise<void> {
  const identity = requireIdentity(options)
  const adds = change.change === "add"
  const why = readWhy({ reason: adds ? "recipient added" : "recipient removed", ...options })
  // The rest is the vault's to check; this one must not even get into the audit log.
  if (/^AGE-SECRET-KEY-/i.test(change.recipient)) {
    throw new UserError("usage", "that is an identity, a private key: treat it as exposed", {
      hint: "a recipient begins with age1; age-keygen -y prints the one that goes with an identity",
    })
  }
  await withDatabase(io, options, async (db, settings) => {
    const identities = await openIdentities(io, settings.secrets, identity)
    const result = await changeRecipients(db, change, why, identities)
    if (options.json) io.out(jsonLine({ schema: 1, ...change, ...result }))
    const { dataKeys, unopened, last } = result
    io.err(`peppermill: ${dataKeys} data keys wrapped anew; no data was touched\n`)
    if (unopened > 0) io.err(`peppermill: ${unopened} do not open with this identity, and stay as they are\n`)
    if (last > 0) io.err(`peppermill: ${last} have no other recipient, and stay as they are\n`)
    if (unopened + last > 0) io.exitCode = EXIT.data
    const configured = settings.config.vault.recipients.includes(change.recipient)
    if (configured !== adds) {
      const what = adds ? "add it to" : "take it out of"
      io.err(`peppermill: hint: ${what} vault.recipients, or new data keys will not follow\n`)
    }
    if (!adds)
      io.err("peppermill: hint: copies made before, such as backups, still open for who was removed\n")
  })
}
