import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { PGlite } from "@electric-sql/pglite"
import fc from "fast-check"
import { afterAll, beforeAll, expect, test } from "vitest"
import { nextHash } from "../../src/audit/chain.ts"
import type { AuditAction } from "../../src/audit/record.ts"
import { record } from "./records.ts"

let db: PGlite

beforeAll(async () => {
  const page = readFileSync(resolve(import.meta.dirname, "../../VAULT-FORMAT.md"), "utf8")
  const sql = /```sql\n(.*?)```/s.exec(page)?.[1]
  if (sql === undefined) throw new Error("VAULT-FORMAT.md has no SQL")
  db = await PGlite.create()
  await db.exec(sql)
})

afterAll(() => db.close())

test("the SQL of VAULT-FORMAT.md hashes every record as verifyChain does", async () => {
  // PostgreSQL's text has neither NUL nor lone surrogates.
  const text = fc
    .string({ unit: "binary", maxLength: 40 })
    .filter((one) => one.isWellFormed() && !one.includes("\0"))
  const optional = fc.option(text)
  const records = fc.record({
    position: fc.integer({ min: 1, max: 2 ** 40 }),
    atMicros: fc.integer({ min: -(10 ** 12), max: 4_102_444_800_000_000 }),
    actor: text,
    action: text as fc.Arbitrary<AuditAction>,
    subject: optional,
    tokens: fc.integer({ min: 0, max: 2 ** 31 - 1 }),
    reason: optional,
    ticket: optional,
    requestId: optional,
    details: optional,
  })
  const previous = fc.uint8Array({ minLength: 32, maxLength: 32 })
  await fc.assert(
    fc.asyncProperty(records, previous, async (one, before) => {
      expect(await hashInSql(one, before)).toEqual(nextHash(before, one))
    }),
    { numRuns: 300 },
  )
})

test("null and the empty text are two records in SQL too", async () => {
  const before = new Uint8Array(32)
  const [none, empty] = [record(1, { reason: null }), record(1, { reason: "" })]
  expect(await hashInSql(none, before)).toEqual(nextHash(before, none))
  expect(await hashInSql(empty, before)).toEqual(nextHash(before, empty))
  expect(nextHash(before, none)).not.toEqual(nextHash(before, empty))
})

async function hashInSql(one: ReturnType<typeof record>, previous: Uint8Array): Promise<Uint8Array> {
  const { rows } = await db.query<{ hash: Uint8Array }>(
    `select audit_hash($1, $2, 'epoch'::timestamptz + $3::bigint * interval '1 microsecond',
                       $4, $5, $6, $7, $8, $9, $10, $11) as hash`,
    [
      previous,
      one.position,
      one.atMicros,
      one.actor,
      one.action,
      one.subject,
      one.tokens,
      one.reason,
      one.ticket,
      one.requestId,
      one.details,
    ],
  )
  return new Uint8Array(rows[0]?.hash ?? [])
}
