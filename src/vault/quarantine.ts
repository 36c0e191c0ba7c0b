import type { EventShape } from "../decode/event-shape.ts"

const MAX_LENGTH = 1000

/**
 * What a rejected body looks like, for people who may not see it: the JSON types
 * of the keys that the shape knows, and how many other keys there are.
 *
 * No value and no unknown key is in it: both come from outside, and either may be
 * personal. At most 1,000 characters; any body is fine, however deep or broken.
 */
export function describeBody(body: string, shape: EventShape): string {
  let json: unknown
  try {
    json = JSON.parse(body)
  } catch {
    return body === "" ? "empty" : "not JSON"
  }
  if (typeOf(json) !== "object") return typeOf(json)
  const object = json as Record<string, unknown>
  const known = shape.fields.filter(({ name }) => Object.hasOwn(object, name))
  const parts = shape.fields.map(
    ({ name }) => `${name}: ${Object.hasOwn(object, name) ? typeOf(object[name]) : "absent"}`,
  )
  const unknown = Object.keys(object).length - known.length
  if (unknown > 0) parts.push(`+${unknown} unknown`)
  const text = `{${parts.join(", ")}}`
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH - 1).toWellFormed()}…`
}

function typeOf(value: unknown): string {
  if (value === null) return "null"
  return Array.isArray(value) ? "array" : typeof value
}
