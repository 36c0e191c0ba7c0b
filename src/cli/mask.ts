import { canonicalText } from "../decode/decode.ts"
import { UserError } from "../errors.ts"
import type { Io } from "../io.ts"
import { createMaskField } from "../mask/mask.ts"
import type { CommonOptions } from "./options.ts"
import { openSettings, warn } from "./settings.ts"

/** A token of the value, and what made it. */
interface Line {
  readonly field: string
  readonly key: string
  readonly active: boolean
  readonly token: string
}

/**
 * `peppermill mask VALUE`: the token of a value in every masked field that
 * could hold it, under every live key. `-` reads the value from standard input,
 * where other users cannot see it, less one newline at its end.
 *
 * @throws UserError of kind `data` when no masked field could hold the value.
 */
export async function runMask(
  io: Io,
  argument: string,
  options: CommonOptions & { readonly field?: string },
): Promise<void> {
  const settings = await openSettings(io, options)
  warn(io, settings.loaded.warnings)
  const value = argument === "-" ? (await io.readStdin()).replace(/\r?\n$/, "") : argument
  const { openMaskKeys } = await import("../open.ts")
  const keys = await openMaskKeys(settings)
  const masked = settings.shape.fields.filter((field) => field.mask)
  if (options.field !== undefined && !masked.some((field) => field.name === options.field)) {
    throw new UserError("usage", "--field: not a masked field of this event", {
      hint: `the masked fields are ${masked.map((field) => field.name).join(", ")}`,
    })
  }
  const lines: Line[] = []
  for (const field of masked) {
    if (options.field !== undefined && field.name !== options.field) continue
    const canonical = canonicalText(field, value)
    if (canonical === null) continue
    for (const key of keys.live) {
      const token = createMaskField(key, settings.shape.table, field.name)(canonical)
      lines.push({ field: field.name, key: key.id, active: key === keys.active, token })
    }
  }
  if (lines.length === 0) {
    throw new UserError("data", "no masked field could hold this value", {
      hint: `a drain would reject it in ${masked.map((field) => field.name).join(", ")}`,
    })
  }
  if (options.json) io.out(`${JSON.stringify({ schema: 1, tokens: lines })}\n`)
  else for (const { field, token } of lines) io.out(`${field.padEnd(16)} ${token}\n`)
}
