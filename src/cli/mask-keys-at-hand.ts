import { UserError } from "../errors.ts"
import { type MaskKey, parseMaskKeys } from "../mask/mask-keys.ts"
import type { Settings } from "../open.ts"

/** Those of the configured mask keys that can be read here. Who works on the vault need not hold them all. */
export async function openMaskKeysAtHand({ config, secrets }: Settings): Promise<readonly MaskKey[]> {
  const keys = await Promise.all(
    Object.entries(config.masking.keys).map(async ([id, reference]) => {
      try {
        return [parseMaskKeys({ [id]: await secrets.read(reference, `masking.keys.${id}`) }, id).active]
      } catch (error) {
        if (error instanceof UserError) return []
        throw error
      }
    }),
  )
  return keys.flat()
}
