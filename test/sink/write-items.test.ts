import { expect, test } from "vitest"
import { eventColumns } from "../../src/sink/event-columns.ts"
import type { Row } from "../../src/sink/sink.ts"
import { messageIdOf, writeItems } from "../../src/sink/write-items.ts"
import { LOGIN } from "../shape.ts"
import { batch, messageId, reject, row, rows, tokenOf } from "./setup.ts"

const COLUMNS = eventColumns(LOGIN)
const [first] = rows(1) as [Row]
const ORIGINAL = { subject: "user-0", field: "ip", dataKeyId: new Uint8Array(16), sealed: new Uint8Array(30) }

test("rows and rejects stand in one order, by their names in the ledger", () => {
  const items = writeItems(
    batch([row(5), row(1, { messageId: messageId(1).toUpperCase() }), row(9)], [reject(3), reject(0)]),
    COLUMNS,
  )
  expect(items.map(({ ledgerId }) => ledgerId)).toEqual([0, 1, 3, 5, 9].map(messageId))
  expect(items.map(messageIdOf)).toEqual(
    [0, 1, 3, 5, 9].map((n) => (n === 1 ? messageId(n).toUpperCase() : messageId(n))),
  )
})

test.each<[string, Row]>([
  ["a row as it is", first],
  ["values that are null, and tokens too", row(0, { plain: ["u", null, null, 0], tokens: [null, null] })],
  ["a boolean, a negative number", row(0, { plain: ["u", true, "", -1.5] })],
  ["an original with its token", row(0, { originals: [{ ...ORIGINAL, token: tokenOf("ip-0") }] })],
])("%s goes through", (_, good) => {
  expect(writeItems(batch([good]), COLUMNS)).toEqual([{ ledgerId: messageId(0), row: good }])
})

test.each<[string, Row, string]>([
  [
    "a value missing",
    row(0, { plain: first.plain.slice(1) }),
    "does not have the columns of the event table",
  ],
  [
    "a token missing",
    row(0, { tokens: first.tokens.slice(1) }),
    "does not have the columns of the event table",
  ],
  [
    "a number that is none",
    row(0, { plain: ["u", null, null, Number.NaN] }),
    "no text, number, boolean or null",
  ],
  [
    "a number without end",
    row(0, { plain: ["u", null, null, Number.POSITIVE_INFINITY] }),
    "no text, number, boolean or null",
  ],
  ["an object", row(0, { plain: ["u", null, null, {} as never] }), "no text, number, boolean or null"],
  [
    "nothing at all",
    row(0, { plain: ["u", null, null, undefined as never] }),
    "no text, number, boolean or null",
  ],
  [
    "a clear value for a token",
    row(0, { tokens: [tokenOf("a"), "203.0.113.77" as never] }),
    "other than a token in a masked column",
  ],
  [
    "an original under no token",
    row(0, { originals: [{ ...ORIGINAL, token: "203.0.113.77" as never }] }),
    "has an original without a token",
  ],
])("%s never reaches SQL", (_, bad, says) => {
  const message = new RegExp(`^message ${messageId(0)} .*${says}$`)
  expect(() => writeItems(batch([row(1), bad]), COLUMNS)).toThrow(message)
})

test.each([
  ["as rows", batch([row(1), row(2), row(1)])],
  ["as a row and a reject", batch([row(1)], [reject(1)])],
])("the same message twice, %s, is refused", (_, twice) => {
  expect(() => writeItems(twice, COLUMNS)).toThrow(`message ${messageId(1)} stands twice in a batch`)
})
