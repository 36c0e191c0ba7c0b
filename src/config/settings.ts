import { z } from "zod"
import { configSchema } from "./config.ts"

/** How a setting's value is written in one line of text, as in an environment variable. */
export type Kind = "text" | "number" | "boolean" | "list" | "map" | "file-only"

/** One key of the configuration that is overridden as a whole. */
export interface Setting {
  /** `queue.waitSeconds` */
  readonly path: string
  /** `PEPPERMILL_QUEUE_WAIT_SECONDS` */
  readonly variable: string
  readonly kind: Kind
  readonly nullable: boolean
}

/** A part of the configuration that merges key by key: a section, or the whole. */
export type Section = z.ZodObject

/** The schema of a setting or section below `section`, or undefined when it has no such key. */
export function keyOf(section: Section, name: string): z.core.$ZodType | undefined {
  return Object.hasOwn(section.shape, name) ? section.shape[name] : undefined
}

export function isSection(schema: z.core.$ZodType): schema is Section {
  return schema instanceof z.ZodObject
}

/** Every setting, in the schema's order. */
export const SETTINGS: readonly Setting[] = settingsOf(configSchema, [])

/** What stands at a path of own keys. */
export function valueAt(tree: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>(
    (holder, name) =>
      typeof holder === "object" && holder !== null && Object.hasOwn(holder, name)
        ? (holder as Record<string, unknown>)[name]
        : undefined,
    tree,
  )
}

function settingsOf(section: Section, above: readonly string[]): Setting[] {
  return Object.entries(section.shape).flatMap(([name, schema]) => {
    const path = [...above, name]
    if (isSection(schema)) return settingsOf(schema, path)
    const nullable = schema instanceof z.ZodNullable
    const kind = kindOf(nullable ? schema.unwrap() : schema)
    return { path: path.join("."), variable: variableOf(path), kind, nullable }
  })
}

function kindOf(schema: z.core.$ZodType): Kind {
  if (schema instanceof z.ZodNumber) return "number"
  if (schema instanceof z.ZodBoolean) return "boolean"
  if (schema instanceof z.ZodArray) return "list"
  if (schema instanceof z.ZodRecord) return schema.valueType instanceof z.ZodString ? "map" : "file-only"
  return "text"
}

function variableOf(path: readonly string[]): string {
  const words = path.map((name) => name.replace(/[A-Z]/g, (capital) => `_${capital}`).toUpperCase())
  return `PEPPERMILL_${words.join("_")}`
}
