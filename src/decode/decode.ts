import type { EventField, EventShape, Rejection, Value } from "./event-shape.ts"
import { canonicalIp } from "./ip.ts"
import { canonicalTimestamp } from "./timestamp.ts"
import { packVersion } from "./version.ts"

/** A masked field's value: the text that is masked, and the text that came. Personal data: never log it. */
export interface Clear {
  /** What goes into the MAC: every spelling of one value is the same here. */
  readonly canonical: string
  /** What goes into the vault: exactly what came. */
  readonly original: string
}

/** One event, taken apart along its shape. Personal data: never log it, never store it. */
export interface ClearEvent {
  readonly subject: string
  /** Values of the fields that are not masked, in the shape's order. */
  readonly plain: readonly Value[]
  /** Values of the masked fields, in the shape's order. */
  readonly masked: readonly (Clear | null)[]
}

export type Decoded = { ok: true; event: ClearEvent } | { ok: false; rejection: Rejection }

type Reason = Rejection["reason"]
type Read = { value: Value; original?: string } | Reason

/**
 * Build the decoder of a shape: message body → {@link ClearEvent}, or the first
 * reason why not, in the shape's order.
 *
 * A bad body is an expected input: it comes back as a rejection and never
 * throws. Nothing is coerced, unwrapped or guessed. Of duplicate JSON keys the
 * last one counts; keys that the shape does not name are ignored.
 */
export function createDecoder(shape: EventShape): (body: string) => Decoded {
  const maskedFields = shape.fields.filter(({ mask }) => mask).length
  const plainFields = shape.fields.length - maskedFields
  return (body) => {
    let json: unknown
    try {
      json = JSON.parse(body)
    } catch {
      return reject("not-json", "$")
    }
    if (typeof json !== "object" || json === null || Array.isArray(json)) return reject("not-an-object", "$")
    let subject = ""
    // As long as they get, and no longer: an array that grows takes room for 17 values, and a run holds thousands.
    const plain = new Array<Value>(plainFields)
    const masked = new Array<Clear | null>(maskedFields)
    let [plainAt, maskedAt] = [0, 0]
    for (const field of shape.fields) {
      // Own keys only: a body cannot lend itself fields through a prototype.
      const found = Object.hasOwn(json, field.name)
        ? (json as Record<string, unknown>)[field.name]
        : undefined
      const read = readField(field, found)
      if (typeof read === "string") return reject(read, field.name)
      if (field.mask) masked[maskedAt++] = clear(read)
      else plain[plainAt++] = read.value
      if (field.name === shape.subject) subject = String(read.value)
    }
    return { ok: true, event: { subject, plain, masked } }
  }
}

/**
 * The text of `original` that is masked for this field: what {@link createDecoder} would
 * give for it. Null when the field would refuse it.
 */
export function canonicalText(field: EventField, original: string): string | null {
  const json =
    field.type === "text" || field.type === "ip" || field.type === "version" || field.type === "timestamp"
  try {
    const read = readField(field, json ? original : (JSON.parse(original) as unknown))
    return typeof read === "string" ? null : (clear(read)?.canonical ?? null)
  } catch {
    return null
  }
}

function reject(reason: Reason, field: string): Decoded {
  return { ok: false, rejection: { reason, field } }
}

// No text is no value: one token for every empty device id would join strangers.
function clear(read: Exclude<Read, string>): Clear | null {
  if (read.value === null || read.value === "") return null
  const canonical = String(read.value)
  return { canonical, original: read.original ?? canonical }
}

function readField(field: EventField, found: unknown): Read {
  if (found === undefined || found === null) return field.nullable ? { value: null } : "missing"
  switch (field.type) {
    case "text":
      return typeof found === "string" ? readText(field, found) : "wrong-type"
    case "ip": {
      if (typeof found !== "string") return "wrong-type"
      if (found === "") return "missing"
      const address = canonicalIp(found)
      return address === null ? "not-an-ip" : { value: address, original: found }
    }
    case "version": {
      if (typeof found !== "string") return "wrong-type"
      if (found === "") return "missing"
      const packed = packVersion(found)
      return typeof packed === "number" ? { value: packed, original: found } : packed
    }
    case "timestamp": {
      const instant = typeof found === "string" ? canonicalTimestamp(found) : null
      return instant === null ? "wrong-type" : { value: instant, original: found as string }
    }
    case "integer":
      if (typeof found !== "number" || (Number.isFinite(found) && !Number.isInteger(found)))
        return "wrong-type"
      // Beyond 2^53 JSON.parse has rounded: the number that came is gone.
      return Number.isSafeInteger(found) ? { value: found + 0 } : "out-of-range"
    case "number":
      if (typeof found !== "number") return "wrong-type"
      return Number.isFinite(found) ? { value: found } : "out-of-range"
    case "boolean":
      return typeof found === "boolean" ? { value: found } : "wrong-type"
  }
}

function readText(field: EventField, text: string): Read {
  if (text === "" && !field.nullable) return "missing"
  // PostgreSQL's text has no NUL; a lone surrogate becomes U+FFFD on the way, joining what differs.
  if (text.includes("\0") || !text.isWellFormed()) return "not-storable"
  if (field.maxLength !== undefined && isLonger(text, field.maxLength)) return "too-long"
  return { value: text }
}

/** varchar(n) counts characters: an astral one is one, although a JavaScript string has two units for it. */
function isLonger(text: string, maxLength: number): boolean {
  if (text.length <= maxLength) return false
  if (text.length > 2 * maxLength) return true
  return [...text].length > maxLength
}
