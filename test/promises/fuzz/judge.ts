import { isIP } from "node:net"
import type { Decoded } from "../../../src/decode/decode.ts"
import type { Rejection } from "../../../src/decode/event-shape.ts"
import { canonicalIp } from "../../../src/decode/ip.ts"
import { isToken } from "../../../src/mask/token.ts"
import { LOGIN } from "../../shape.ts"

export const REASONS = [
  "not-json",
  "not-an-object",
  "missing",
  "wrong-type",
  "too-long",
  "not-storable",
  "out-of-range",
  "not-an-ip",
  "not-a-version",
] as const satisfies readonly Rejection["reason"][]

const FIELDS = ["$", ...LOGIN.fields.map(({ name }) => name)]
const MASKED = LOGIN.fields.filter((field) => field.mask)
const PLAIN = LOGIN.fields.filter((field) => !field.mask)

interface Outcome {
  readonly decoded: Decoded
  readonly tokens: readonly (string | null)[]
  /** What the quarantine would show of the body. */
  readonly shape: string
}

/** @returns What is wrong with what came of a body, or null. It knows the rules from the design, not from the code. */
export function wrongWith(body: string, { decoded, tokens, shape }: Outcome): string | null {
  if (!decoded.ok) {
    const { reason, field, ...rest } = decoded.rejection
    // Of two closed lists: so no value can be in it.
    if (!(REASONS as readonly string[]).includes(reason) || !FIELDS.includes(field))
      return "an unknown rejection"
    if (Object.keys(rest).length > 0) return "a rejection with more than reason and field"
    return shape.length <= 1_000 ? null : "a shape without bounds"
  }
  const came = JSON.parse(body) as Record<string, unknown>
  const { subject, plain, masked } = decoded.event
  if (subject !== came["user_id"]) return "another subject"
  for (const [index, { name, type, maxLength = 0 }] of PLAIN.entries()) {
    const value = plain[index]
    if (type === "version") {
      if (!Number.isInteger(value) || Number(value) < 0 || Number(value) > 2_146_999_999)
        return `${name}: no version`
    } else if (value !== (came[name] ?? null)) return `${name}: not what came`
    else if (typeof value === "string" && !fits(value, maxLength))
      return `${name}: PostgreSQL would refuse it`
  }
  for (const [index, { name, type }] of MASKED.entries()) {
    const clear = masked[index]
    if (clear === undefined || clear === null) return `${name}: no value`
    if (clear.original !== came[name]) return `${name}: not what came`
    if (!isToken(tokens[index])) return `${name}: no token`
    if (type !== "ip") {
      if (clear.canonical !== clear.original) return `${name}: text was changed`
    } else if (isIP(clear.canonical) === 0 || canonicalIp(clear.canonical) !== clear.canonical) {
      return `${name}: not in its one spelling`
    }
  }
  return null
}

function fits(text: string, maxLength: number): boolean {
  return text.isWellFormed() && !text.includes("\0") && [...text].length <= maxLength
}
