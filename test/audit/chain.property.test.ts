import fc from "fast-check"
import { expect, test } from "vitest"
import { canonicalRecord, verifyChain } from "../../src/audit/chain.ts"
import type { AuditRecord } from "../../src/audit/record.ts"
import { chained, record } from "./records.ts"

const text = fc.oneof(fc.constantFrom("", "\0", "1", "10"), fc.string({ unit: "grapheme", maxLength: 12 }))
const maybe = fc.option(text)

const content: fc.Arbitrary<Partial<AuditRecord>> = fc.record({
  atMicros: fc.integer({ min: 0, max: 2 ** 52 }),
  actor: text,
  action: fc.constantFrom("request", "release", "erase"),
  subject: maybe,
  tokens: fc.nat(),
  reason: maybe,
  ticket: maybe,
  requestId: maybe,
  details: maybe,
})

test("two records have the same canonical bytes only when nothing in them differs", () => {
  fc.assert(
    fc.property(content, content, (a, b) => {
      const [x, y] = [record(1, a), record(1, b)]
      const same =
        JSON.stringify(Object.entries(x).toSorted()) === JSON.stringify(Object.entries(y).toSorted())
      expect(Buffer.from(canonicalRecord(x)).equals(canonicalRecord(y))).toBe(same)
      expect(Buffer.from(canonicalRecord(x)).equals(canonicalRecord({ ...x }))).toBe(true)
    }),
    { numRuns: 5_000 },
  )
})

test("a chain of any records is whole, and one changed record is found at its own position", async () => {
  const list = fc.array(content, { minLength: 1, maxLength: 20 })
  await fc.assert(
    fc.asyncProperty(list, fc.nat(), content, async (contents, where, change) => {
      const chain = chained(contents.map((changes, index) => record(index + 1, changes)))
      const head = chain.at(-1)?.hash
      expect(await verifyChain(chain)).toEqual({ ok: true, size: chain.length, head })

      const at = where % chain.length
      const before = chain[at] as (typeof chain)[number]
      const edited = { ...before, ...change }
      fc.pre(!Buffer.from(canonicalRecord(edited)).equals(canonicalRecord(before)))
      const verdict = await verifyChain(chain.with(at, edited))
      expect(verdict).toEqual({ ok: false, position: at + 1, why: "changed" })
    }),
    { numRuns: 500 },
  )
})
