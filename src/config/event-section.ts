import { z } from "zod"
import type { EventShape, FieldType } from "../decode/event-shape.ts"

const TYPES = [
  "text",
  "integer",
  "number",
  "boolean",
  "timestamp",
  "ip",
  "version",
] as const satisfies FieldType[]

/** A name that PostgreSQL takes without quotes, keeps whole (63 bytes), and does not fold. */
const identifier = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_]{0,62}$/,
    "must be lower-case letters, digits and underscores, at most 63, no digit first",
  )

/** Columns that every PostgreSQL table has already. */
const SYSTEM_COLUMNS = new Set(["tableoid", "xmin", "cmin", "xmax", "cmax", "ctid"])

/** Schemas with a job of their own. */
const FOREIGN_SCHEMAS = ["peppermill", "vault", "information_schema"]

const table = z
  .string()
  .regex(
    /^[a-z_][a-z0-9_]{0,62}(\.[a-z_][a-z0-9_]{0,62})?$/,
    "must be a table's name: table or schema.table, lower case",
  )
  .refine((name) => {
    const schema = name.split(".").length === 2 ? name.split(".")[0] : undefined
    return schema === undefined || !(FOREIGN_SCHEMAS.includes(schema) || schema.startsWith("pg_"))
  }, "must not be in a schema of PostgreSQL or of peppermill itself")

const field = z
  .strictObject({
    type: z.enum(TYPES).describe("How the value is read and checked"),
    column: identifier.optional().describe("Column it goes to; default: the key"),
    mask: z.boolean().default(false).describe("Store a token instead of the value"),
    nullable: z.boolean().default(false).describe("Accept null and absence"),
    maxLength: z
      .int("must be a whole number from 1 to 10485760 (varchar of PostgreSQL)")
      .min(1, "must be at least 1")
      .max(10_485_760, "must be at most 10485760 (varchar of PostgreSQL)")
      .optional()
      .describe("Characters, for text only"),
  })
  .superRefine(({ type, maxLength }, context) => {
    if (maxLength !== undefined && type !== "text") {
      context.addIssue({ code: "custom", path: ["maxLength"], message: "is for text only" })
    }
  })

/** What may be said of a field. */
export const FIELD_KEYS: readonly string[] = Object.keys(field.shape)

/** A key of a message. It goes into the mask, into messages to people, and stands beside originals. */
const fieldName = z
  .string()
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]{1,128}$/u, "a field's name is 1 to 128 visible characters")

export const event = z
  .strictObject({
    table: table.describe("Table of the rows: table or schema.table. Part of every token"),
    subject: z
      .string()
      .describe("The field that says whom an event is about: text, not masked, not nullable"),
    fields: z.record(fieldName, field).describe("Message key: what it is, and the column it goes to"),
    sentDate: identifier
      .nullable()
      .describe("Date column for the day a message was sent (SQS SentTimestamp, UTC); null: none"),
  })
  .superRefine((section, context) => {
    const problem = (path: string[], message: string) => context.addIssue({ code: "custom", path, message })

    const subject = Object.hasOwn(section.fields, section.subject)
      ? section.fields[section.subject]
      : undefined
    if (Object.keys(section.fields).length === 0) problem(["fields"], "must name at least one field")
    else if (subject === undefined) problem(["subject"], "must be one of event.fields")
    else if (subject.type !== "text") problem(["subject"], "must be a text field")
    else if (subject.mask) problem(["subject"], "must not be a masked field: people are looked up by it")
    else if (subject.nullable) problem(["subject"], "must not be a nullable field")

    const taken = new Set<string>(section.sentDate === null ? [] : [section.sentDate])
    if (section.sentDate !== null && SYSTEM_COLUMNS.has(section.sentDate)) {
      problem(["sentDate"], "is a system column of PostgreSQL")
    }
    for (const [name, { column = name }] of Object.entries(section.fields)) {
      if (!identifier.safeParse(column).success) {
        problem(["fields", name], "needs a column: its own name is not one that PostgreSQL takes as it is")
      } else if (SYSTEM_COLUMNS.has(column)) {
        problem(["fields", name], "would go to a system column of PostgreSQL")
      } else if (taken.has(column)) {
        problem(["fields", name], "would go to a column that is already taken")
      }
      taken.add(column)
    }
  })

/** The event section as the stages know it. */
export function eventShape({ event: section }: { readonly event: EventSection }): EventShape {
  return {
    table: section.table,
    subject: section.subject,
    fields: Object.entries(section.fields).map(([name, { column = name, maxLength, ...rest }]) => ({
      name,
      column,
      maxLength,
      ...rest,
    })),
    sentDate: section.sentDate,
  }
}

type EventSection = z.infer<typeof event>
