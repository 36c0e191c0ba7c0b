import fc from "fast-check"
import { expect, test } from "vitest"
import { ledgerId } from "../src/message-id.ts"

test("a UUID stays what it is, in lower case", () => {
  fc.assert(
    fc.property(fc.uuid(), (uuid) => {
      expect(ledgerId(uuid.toUpperCase())).toBe(uuid)
    }),
  )
})

test("any other id becomes a UUID of version 8", () => {
  const uuid8 = /^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
  fc.assert(
    fc.property(fc.string(), (id) => {
      expect(ledgerId(id)).toMatch(uuid8)
    }),
  )
})

// Fixed: a change here makes every message in a ledger look new.
test.each([
  ["m-1", "a461b472-cb41-89ec-bdee-5c90cf8e4a78"],
  ["", "e3b0c442-98fc-8c14-9afb-f4c8996fb924"],
])("the id of %j is frozen", (id, uuid) => {
  expect(ledgerId(id)).toBe(uuid)
})
