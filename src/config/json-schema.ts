import { z } from "zod"
import { configSchema } from "./config.ts"
import { defaultTree } from "./load.ts"
import { isSection, type Section, valueAt } from "./settings.ts"

/**
 * The JSON Schema (2020-12) of a configuration file, for editors: every key
 * with its meaning and default. No section or setting is required in a file,
 * because the defaults fill the gaps.
 */
export function configJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(configSchema, { io: "input" }) as JsonSchema
  complete(schema, configSchema, [])
  const properties = { $schema: { type: "string", description: "This schema" }, ...schema.properties }
  return { ...schema, title: "peppermill configuration", properties }
}

interface JsonSchema {
  [keyword: string]: unknown
  properties?: Record<string, JsonSchema>
  required?: unknown
  default?: unknown
}

function complete(schema: JsonSchema, section: Section, path: readonly string[]): void {
  delete schema.required
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    const here = [...path, name]
    const inner = section.shape[name]
    if (inner !== undefined && isSection(inner)) complete(part, inner, here)
    else part.default = valueAt(defaultTree(), here)
  }
}
