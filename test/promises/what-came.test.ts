import { generateX25519Identity, identityToRecipient } from "age-encryption"
import fc from "fast-check"
import { expect, test } from "vitest"
import { openOriginal, tokenAgrees, unwrapDataKey } from "../../src/recover/open.ts"
import { createTokenOf } from "../../src/recover/token-of.ts"
import type { SealedOriginal } from "../../src/sink/sink.ts"
import { createDatabase } from "../database.ts"
import { LOGIN } from "../shape.ts"
import { drainAll, KEY } from "./drain-all.ts"
import { LONG, report, seedOf } from "./report.ts"

const EVENTS = LONG ? 10_000 : 1_000

/** Text that PostgreSQL can store: all of Unicode but NUL and lone surrogates. */
const text = (maxLength: number) =>
  fc.string({ unit: "binary", minLength: 1, maxLength }).filter((value) => !value.includes("\0"))

const address = fc.oneof(
  fc.ipV4(),
  fc.ipV6(),
  fc.ipV6().map((ip) => ip.toUpperCase()),
  fc.ipV4().map((ip) => `::ffff:${ip}`),
)

test(`of ${EVENTS} events of all Unicode, recovery gives back exactly what came`, async () => {
  const seed = seedOf()
  const events = fc.sample(
    fc.record({
      user_id: text(60),
      device_type: text(30),
      ip: address,
      device_id: text(200),
      locale: fc.option(text(30)),
    }),
    { numRuns: EVENTS, seed },
  )
  const identity = await generateX25519Identity()
  await using database = await createDatabase()
  const bodies = events.map((event) => JSON.stringify({ ...event, app_version: "1.2" }))
  const { totals, rows } = await drainAll(database, bodies, {
    recipients: [await identityToRecipient(identity)],
  })
  expect(totals).toMatchObject({ received: EVENTS, stored: EVENTS, quarantined: 0 })
  expect(rows).toHaveLength(EVENTS)

  const [wrapped] = await database.query<{ wrapped: Buffer }>("select wrapped from vault.data_keys")
  const dataKey = await unwrapDataKey(wrapped?.wrapped ?? Buffer.alloc(0), [identity])
  const tokenOf = createTokenOf([KEY], LOGIN)
  const sealed = await database.query<SealedOriginal>(
    `select subject, field, token, data_key as "dataKeyId", sealed from vault.originals`,
  )
  const came = new Set(
    events.flatMap((event) => [
      `${event.user_id}\0ip\0${event.ip}`,
      `${event.user_id}\0device_id\0${event.device_id}`,
    ]),
  )
  const tokens = new Set(rows.flatMap((row) => [row["masked_ip"], row["masked_device_id"]]))
  for (const row of sealed) {
    const original = openOriginal(dataKey as Uint8Array, LOGIN.table, row)
    if (original === null || !came.has(`${row.subject}\0${row.field}\0${original}`))
      expect.fail(`${row.field} is not what came`)
    if (tokenAgrees(row, original, tokenOf) !== true)
      expect.fail(`the token of ${row.field} does not recompute`)
  }
  // Every token in the table has its twin in the vault.
  expect(new Set(sealed.map((row) => row.token))).toEqual(tokens)
  report("P19", `${EVENTS} events came back byte for byte, ${sealed.length} tokens recomputed`, seed)
})
