import type { ClearEvent } from "../decode/decode.ts"
import type { EventShape } from "../decode/event-shape.ts"
import { createHmac, deriveKey } from "./derive.ts"
import type { MaskKey } from "./mask-keys.ts"
import type { Token } from "./token.ts"

/** The token of one field's canonical text. Equal texts in one field under one key: equal tokens, always. */
export type MaskField = (canonical: string) => Token

/** The tokens of an event's masked fields, in the shape's order. */
export type MaskEvent = (event: ClearEvent) => readonly (Token | null)[]

/**
 * Build the masking function of one field:
 * `key id ":" hex(HMAC-SHA-256(K_field, canonical))`, where
 * `K_field = HKDF-SHA-256(mask key, "peppermill/mask/v1" ‖ 0 ‖ table ‖ 0 ‖ field)`.
 *
 * Table and field are part of the key, so the same text in another field has another token.
 */
export function createMaskField(key: MaskKey, table: string, field: string): MaskField {
  // The NULs keep ("a", "bc") and ("ab", "c") apart: no table or field name contains one.
  const fieldKey = deriveKey(key.bytes, Buffer.from(`peppermill/mask/v1\0${table}\0${field}`))
  const mac = createHmac(fieldKey)
  return (canonical) => `${key.id}:${mac(Buffer.from(canonical))}` as Token
}

/** Build the masking function of a shape's events. */
export function createMask(key: MaskKey, shape: EventShape): MaskEvent {
  const fields = shape.fields
    .filter((field) => field.mask)
    .map((field) => createMaskField(key, shape.table, field.name))
  return ({ masked }) =>
    fields.map((mask, index) => {
      const clear = masked[index]
      return clear === null || clear === undefined ? null : mask(clear.canonical)
    })
}
