import type { ClearEvent, Decoded } from "./decode/decode.ts"
import type { EventShape, Rejection } from "./decode/event-shape.ts"
import type { MaskEvent } from "./mask/mask.ts"
import type { Token } from "./mask/token.ts"
import type { Row } from "./sink/sink.ts"
import type { Delivery } from "./source/source.ts"
import type { Original, Vault } from "./vault/vault.ts"

/** What becomes of a message before it is stored. */
export type Prepared =
  // `omits`: an original is left out, because the vault has it already.
  { readonly row: Row; readonly omits: boolean } | { readonly rejection: Rejection }

const NO_ORIGINALS: Row["originals"] = []

/** Build the way from a message to its row: decode, mask, seal. A body that cannot be stored is a rejection. */
export function createPrepare(d: {
  readonly shape: EventShape
  readonly decode: (body: string) => Decoded
  readonly mask: MaskEvent
  readonly vault: Vault | null
}): (delivery: Delivery) => Prepared {
  const maskedFields = d.shape.fields.filter((field) => field.mask).map((field) => field.name)

  function originalsOf(event: ClearEvent, tokens: readonly (Token | null)[]): readonly Original[] {
    return maskedFields.flatMap((field, index) => {
      const [clear, token] = [event.masked[index], tokens[index]]
      return clear && token ? [{ field, token, value: clear.original }] : []
    })
  }

  return ({ id: messageId, body, sentAtMs }) => {
    const decoded = d.decode(body)
    if (!decoded.ok) return decoded
    const { event } = decoded
    const tokens = d.mask(event)
    const { plain } = event
    if (d.vault === null) {
      return { row: { messageId, sentAtMs, plain, tokens, originals: NO_ORIGINALS }, omits: false }
    }
    const all = originalsOf(event, tokens)
    const originals = d.vault.sealOriginals(event.subject, all)
    return { row: { messageId, sentAtMs, plain, tokens, originals }, omits: originals.length < all.length }
  }
}
