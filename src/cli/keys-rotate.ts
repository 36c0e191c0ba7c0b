import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"
import { checkValue } from "../mask/mask-keys.ts"
import { checkMaskKeys } from "../sink/mask-keys.ts"
import { jsonLine } from "./json-line.ts"
import type { CommonOptions } from "./options.ts"
import { withDatabase } from "./settings-database.ts"

/**
 * `keys rotate --id k2`: check the new key beside the old ones, and record it.
 * Which key is active stands in the configuration, of every drain; the rest of
 * the way is said on standard error.
 *
 * @throws UserError of kind `config` when the configuration lacks the key, or it is not fit.
 */
export async function runKeysRotate(io: Io, options: CommonOptions & { readonly id: string }): Promise<void> {
  const { id } = options
  if (id === "x") {
    throw new UserError("usage", "--id: x is what severed tokens have for a key", { hint: "take another id" })
  }
  await withDatabase(io, options, async (db, settings) => {
    const { activeKey, keys } = settings.config.masking
    if (!Object.hasOwn(keys, id)) {
      throw new UserError("config", `masking.keys has no key ${id}`, {
        hint: `peppermill keys new makes one; keep it as a secret, and name it under masking.keys.${id}`,
      })
    }
    const { openMaskKeys } = await import("../open.ts")
    const { live } = await openMaskKeys(settings)
    await checkMaskKeys(
      db,
      live.map((key) => ({ id: key.id, checkValue: checkValue(key) })),
      id,
    )
    if (options.json) io.out(jsonLine({ schema: 1, id, active: activeKey === id }))
    if (activeKey === id) {
      io.err(`peppermill: ${id} is good, recorded, and active by this configuration\n`)
      io.err(`peppermill: hint: peppermill keys rekey --to ${id} moves the rows of an older key\n`)
      return
    }
    io.err(`peppermill: ${id} is good and recorded; new tokens are still made under ${activeKey}\n`)
    io.err(
      `peppermill: hint: set masking.activeKey to ${id} where drains run, keep ${activeKey} under masking.keys\n`,
    )
    io.err(
      `peppermill: hint: then restart them, and run peppermill keys rekey --from ${activeKey} --to ${id}\n`,
    )
  })
}
