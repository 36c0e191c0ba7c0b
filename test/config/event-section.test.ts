import { describe, expect, test } from "vitest"
import { eventShape } from "../../src/config/event-section.ts"
import { load, loadText, refusal } from "./scenario.ts"

/** A good event with some lines changed. */
function event(changes: { fields?: Record<string, object>; [key: string]: unknown } = {}) {
  const fields = {
    who: { type: "text" },
    where: { type: "ip", mask: true, column: "masked_where" },
    ...changes.fields,
  }
  return loadText(
    JSON.stringify({ event: { table: "visits", subject: "who", sentDate: "day", ...changes, fields } }),
  )
}

describe("the shape of an event", () => {
  test("is by default the login event, field by field", async () => {
    const field = { mask: false, nullable: false, maxLength: undefined }
    expect(eventShape((await load()).config)).toEqual({
      table: "user_logins",
      subject: "user_id",
      sentDate: "create_date",
      fields: [
        { ...field, name: "user_id", column: "user_id", type: "text", maxLength: 128 },
        { ...field, name: "device_type", column: "device_type", type: "text", maxLength: 32 },
        { ...field, name: "ip", column: "masked_ip", type: "ip", mask: true },
        { ...field, name: "device_id", column: "masked_device_id", type: "text", mask: true, maxLength: 256 },
        { ...field, name: "locale", column: "locale", type: "text", maxLength: 32, nullable: true },
        { ...field, name: "app_version", column: "app_version", type: "version" },
      ],
    })
  })

  test("may be any other, and keeps the order of its fields", async () => {
    const { config } = await event({
      table: "web.visits",
      sentDate: null,
      fields: { "page url": { type: "text", column: "page" }, ключ: { type: "integer", column: "n" } },
    })
    const shape = eventShape(config)
    expect(shape).toMatchObject({ table: "web.visits", subject: "who", sentDate: null })
    expect(shape.fields.map(({ name, column }) => `${name}>${column}`)).toEqual([
      "who>who",
      "where>masked_where",
      "page url>page",
      "ключ>n",
    ])
  })

  test.each([
    ["a subject that is no field", { subject: "nobody" }, /event\.subject: must be one of event\.fields/],
    ["a subject from an object's prototype", { subject: "toString" }, /event\.subject: must be one of/],
    [
      "a masked subject",
      { fields: { who: { type: "text", mask: true } } },
      /event\.subject: must not be a masked/,
    ],
    [
      "a nullable subject",
      { fields: { who: { type: "text", nullable: true } } },
      /subject: must not be a nullable/,
    ],
    [
      "a subject that is not text",
      { fields: { who: { type: "ip" } } },
      /event\.subject: must be a text field/,
    ],
    [
      "two fields for one column",
      { fields: { a: { type: "text", column: "who" } } },
      /fields\.a: would go to a column that is already taken/,
    ],
    [
      "a field in the date's column",
      { fields: { day: { type: "text" } } },
      /fields\.day: would go to a column that is already taken/,
    ],
    ["a system column", { fields: { ctid: { type: "text" } } }, /fields\.ctid: would go to a system column/],
    ["a system column for the date", { sentDate: "xmin" }, /event\.sentDate: is a system column/],
    ["a name that is no column", { fields: { userId: { type: "text" } } }, /fields\.userId: needs a column/],
    [
      "a column in quotes",
      { fields: { a: { type: "text", column: 'x"; drop' } } },
      /fields\.a\.column: must be lower-case/,
    ],
    [
      "a column too long",
      { fields: { a: { type: "text", column: "x".repeat(64) } } },
      /fields\.a\.column: must be lower-case/,
    ],
    [
      "a length for what is not text",
      { fields: { a: { type: "ip", maxLength: 5 } } },
      /fields\.a\.maxLength: is for text only/,
    ],
    [
      "no length at all",
      { fields: { a: { type: "text", maxLength: 0 } } },
      /fields\.a\.maxLength: must be at least 1/,
    ],
    [
      "a length beyond varchar",
      { fields: { a: { type: "text", maxLength: 1e8 } } },
      /fields\.a\.maxLength: must be at most/,
    ],
    ["an unknown type", { fields: { a: { type: "uuid" } } }, /fields\.a\.type: must be one of text, integer/],
    ["no type", { fields: { a: {} } }, /fields\.a\.type: must be one of text, integer/],
    ["no map", { fields: { a: "text" } }, /fields\.a: must be a map of keys/],
    [
      "a field with an escape in its name",
      { fields: { "a\u001b[2J": { type: "text", column: "a" } } },
      /a field's name is 1 to 128 visible characters/,
    ],
    [
      "a field without a name",
      { fields: { "": { type: "text", column: "a" } } },
      /a field's name is 1 to 128 visible characters/,
    ],
    ["a table in quotes", { table: '"visits"' }, /event\.table: must be a table's name/],
    [
      "a table of upper case, which PostgreSQL folds",
      { table: "Visits" },
      /event\.table: must be a table's name/,
    ],
    ["a table of three parts", { table: "a.b.c" }, /event\.table: must be a table's name/],
    ["a table in the vault", { table: "vault.originals" }, /event\.table: must not be in a schema of/],
    ["a table of ours", { table: "peppermill.ledger" }, /event\.table: must not be in a schema of/],
    ["a table of PostgreSQL", { table: "pg_catalog.pg_class" }, /event\.table: must not be in a schema of/],
    ["a date column in upper case", { sentDate: "Day" }, /event\.sentDate: must be lower-case/],
  ])("cannot have %s", async (_, changes, message) => {
    const error = await refusal(event(changes as Parameters<typeof event>[0]))
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^peppermill\.config\.yaml:1:\d+ /)
  })

  test("cannot be empty", async () => {
    expect((await refusal(loadText("event: {fields: {}}"))).message).toBe(
      "peppermill.config.yaml:1:17 event.fields: must name at least one field",
    )
  })
})
