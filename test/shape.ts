import type { EventField, EventShape } from "../src/decode/event-shape.ts"

/** A field with the defaults of the configuration. */
export function field(name: string, rest: Partial<EventField> = {}): EventField {
  return { name, type: "text", column: name, mask: false, nullable: false, maxLength: undefined, ...rest }
}

/** The shape of the embedded default. */
export const LOGIN: EventShape = {
  table: "user_logins",
  subject: "user_id",
  fields: [
    field("user_id", { maxLength: 128 }),
    field("device_type", { maxLength: 32 }),
    field("ip", { type: "ip", mask: true, column: "masked_ip" }),
    field("device_id", { mask: true, column: "masked_device_id", maxLength: 256 }),
    field("locale", { maxLength: 32, nullable: true }),
    field("app_version", { type: "version" }),
  ],
  sentDate: "create_date",
}

/** A good login, with what the test wants changed. `undefined` leaves a key out. The shape does not name `session`. */
export function login(change: Record<string, unknown> = {}): string {
  return JSON.stringify({
    user_id: "u-1",
    app_version: "2.3.0",
    device_type: "android",
    ip: "203.0.113.77",
    locale: "RU",
    device_id: "canary-device-1",
    session: "canary-unnamed-key-1",
    ...change,
  })
}
