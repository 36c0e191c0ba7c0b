import type { EventField, EventShape } from "../../src/decode/event-shape.ts"

const field = (name: string, mask = false): EventField => ({
  name,
  type: "text",
  column: mask ? `masked_${name}` : name,
  mask,
  nullable: false,
  maxLength: undefined,
})

/** The login event, as far as the vault looks at it. */
export const LOGIN_SHAPE: EventShape = {
  table: "user_logins",
  subject: "user_id",
  fields: [
    field("user_id"),
    field("device_type"),
    field("ip", true),
    field("device_id", true),
    field("locale"),
    field("app_version"),
  ],
  sentDate: "create_date",
}
