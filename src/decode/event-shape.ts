/** How a field of the body is read, checked and stored. */
export type FieldType = "text" | "integer" | "number" | "boolean" | "timestamp" | "ip" | "version"

/** One field of an event: its key in the body, and the column it goes to. */
export interface EventField {
  readonly name: string
  readonly type: FieldType
  readonly column: string
  /** Masked fields reach the table as tokens only. */
  readonly mask: boolean
  readonly nullable: boolean
  /** Characters (code points, as PostgreSQL counts varchar); for text only. */
  readonly maxLength: number | undefined
}

/** What an event is. Data, not code: built from the configuration's `event` section. */
export interface EventShape {
  /** The table's name, as configured: `name` or `schema.name`. It goes into every mask. */
  readonly table: string
  /** The name of the field that says whom an event is about. It is a text field, never nullable, never absent. */
  readonly subject: string
  readonly fields: readonly EventField[]
  /** The date column that takes the queue's SentTimestamp (UTC), or null for none. */
  readonly sentDate: string | null
}

/** A decoded value. Text is exactly what came; an ip is in canonical form; a version is packed into an integer. */
export type Value = string | number | boolean | null

/** Why a body was refused. `field` is a field of the shape, or `$` for the whole body; never a value. */
export interface Rejection {
  readonly reason:
    | "not-json"
    | "not-an-object"
    | "missing"
    | "wrong-type"
    | "too-long"
    | "not-storable"
    | "out-of-range"
    | "not-an-ip"
    | "not-a-version"
  readonly field: string
}
