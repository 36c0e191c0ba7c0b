import { canonicalText } from "../decode/decode.ts"
import type { EventShape } from "../decode/event-shape.ts"
import { createMaskField } from "../mask/mask.ts"
import type { MaskKey } from "../mask/mask-keys.ts"
import type { TokenOf } from "./open.ts"

/** Recompute tokens with the mask keys at hand. Null too for a field, or a value of it, that the shape does not know. */
export function createTokenOf(keys: readonly MaskKey[], shape: EventShape): TokenOf {
  return (keyId, fieldName, original) => {
    const key = keys.find(({ id }) => id === keyId)
    const field = shape.fields.find(({ name, mask }) => mask && name === fieldName)
    const canonical = field === undefined ? null : canonicalText(field, original)
    if (key === undefined || canonical === null) return null
    return createMaskField(key, shape.table, fieldName)(canonical)
  }
}
