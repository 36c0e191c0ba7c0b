import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, test } from "vitest"
import type { DrainEvent } from "../../src/drain-event.ts"
import { createDatabase } from "../database.ts"
import { login } from "../shape.ts"
import type { MessageJson } from "../stub-queue.ts"
import { bodyOf, catalogueOf } from "./catalogue.ts"
import { type Drained, drainAll } from "./drain-all.ts"
import { LONG, report } from "./report.ts"

/** What a message comes to here: stored, or the reason and field of its rejection. */
const VERDICTS: Readonly<Record<string, string>> = {
  "empty-body": "not-json $",
  "json-true": "not-an-object $",
  "json-number": "not-an-object $",
  "json-array-of-events": "not-an-object $",
  "ndjson-two-objects": "not-json $",
  "sns-envelope": "missing user_id",
  "s3-test-event": "missing user_id",
  "gzip-bytes-as-text": "not-json $",
  "nan-literal": "not-json $",
  "duplicate-key-ip": "stored",
  "key-trailing-space": "missing ip",
  "key-homoglyph-cyrillic": "missing ip",
  "proto-pollution": "missing ip",
  "constructor-prototype": "stored",
  "unknown-extra-keys": "stored",
  "missing-user_id": "missing user_id",
  "missing-ip": "missing ip",
  "missing-device_type": "missing device_type",
  "missing-app_version": "missing app_version",
  "null-locale": "stored",
  "null-ip": "missing ip",
  "null-device-id": "missing device_id",
  "null-user-id": "missing user_id",
  "empty-ip": "missing ip",
  "ip-number": "wrong-type ip",
  "ip-array": "wrong-type ip",
  "device-type-object": "wrong-type device_type",
  "user-id-unsafe-integer": "wrong-type user_id",
  "user-id-1e400": "wrong-type user_id",
  "user-id-negative-zero": "wrong-type user_id",
  "appver-0.2.6-vs-2.6": "stored",
  "appver-single": "stored",
  "appver-prerelease": "not-a-version app_version",
  "appver-v-prefix": "not-a-version app_version",
  "appver-empty": "missing app_version",
  "appver-null": "missing app_version",
  "nul-in-user-id": "not-storable user_id",
  "nul-in-device-id": "not-storable device_id",
  "lone-surrogate-device-A": "not-storable device_id",
  "noncharacter-uffff": "stored",
  "zero-width-in-device": "stored",
  "varchar-128-astral": "stored",
  "varchar-129-astral-by-chars": "too-long user_id",
  "locale-33": "too-long locale",
  "sql-injection-user-id": "stored",
  "csv-formula-user-id": "stored",
  "copy-escape-injection": "stored",
  "template-injection": "stored",
  "log-forging": "stored",
  "tty-osc0-title": "stored",
  "tty-osc8-link": "stored",
  "tty-dsr-report": "stored",
  "tty-c1-osc": "stored",
  "tty-c1-csi": "stored",
  "tty-dcs": "stored",
  "tty-ris-reset": "stored",
  "tty-bel": "stored",
  "tty-backspace-overwrite": "stored",
  "tty-cr-overwrite": "stored",
  "tty-bidi-override": "stored",
  "tty-combining-flood": "stored",
  "ip-mapped-v6": "stored",
  "ip-v6-upper-expanded": "stored",
  "ip-v6-zone": "stored",
  "ip-leading-zeros": "not-an-ip ip",
  "ip-trailing-space": "not-an-ip ip",
  "ip-short-form": "not-an-ip ip",
  "ip-hostname": "not-an-ip ip",
  "ip-already-masked": "not-an-ip ip",
  "ip-megabyte": "not-an-ip ip",
  "deep-array-100k": "not-an-object $",
  "deep-object-in-extra-key": "stored",
  "body-1MiB": "stored",
  "numeric-hash-flood": "missing user_id",
}

const rejections = (all: readonly DrainEvent[]) =>
  all.flatMap((event) =>
    event.type === "rejected" ? [`${event.rejection.reason} ${event.rejection.field}`] : [],
  )

function addsUp({ totals, queue }: Drained) {
  const { received, stored, duplicates, quarantined, left } = totals
  expect(stored + duplicates + quarantined + left).toBe(received)
  expect(queue.visible + queue.inFlight, "what is left is in the queue, and nothing else").toBe(left)
}

/** The clear values of a body's masked fields, where it has any. */
function clearValues(body: string): readonly string[] {
  try {
    const event = JSON.parse(body) as Record<string, unknown>
    return [event["ip"], event["device_id"]].filter(
      (value): value is string => typeof value === "string" && value.length > 3,
    )
  } catch {
    return []
  }
}

const entries = catalogueOf("message")
const single = entries.filter(({ input }) => "body" in input || "body_js" in input)

describe.skipIf(entries.length === 0)(
  "a message of the catalogue (skipped where the shared folder is missing)",
  () => {
    test.each(single)("$name", async ({ name, input }) => {
      const verdict = VERDICTS[name]
      expect(verdict, "a new entry of the catalogue needs a verdict here").toBeDefined()
      await using database = await createDatabase()
      const body = bodyOf(input) as string
      const mate = login({ user_id: "batch-mate", ip: "198.51.100.200", device_id: "mate-device" })
      const drained = await drainAll(database, [body, mate])
      addsUp(drained)
      const { rows, all, totals } = drained
      expect(
        rows.some((row) => row["user_id"] === "batch-mate"),
        "batch mates are unaffected",
      ).toBe(true)
      if (verdict === "stored") {
        expect(rejections(all)).toEqual([])
        expect(rows).toHaveLength(2)
        const event = JSON.parse(body) as Record<string, unknown>
        expect(rows.map((row) => row["user_id"])).toContain(event["user_id"])
        expect(
          rows.every(
            (row) => /^k1:[0-9a-f]{64}$/.test(row["masked_ip"]) && /^k1:/.test(row["masked_device_id"]),
          ),
        ).toBe(true)
      } else {
        expect(rejections(all)).toEqual([verdict])
        expect([rows.length, totals.left]).toEqual([1, 1])
      }
      const everything = `${JSON.stringify(rows)}${JSON.stringify(all)}`
      for (const value of clearValues(body)) expect(everything).not.toContain(value)
      expect(({} as Record<string, unknown>)["admin"]).toBeUndefined()
    })

    // All five hundred in the long form; each is a drain of its own.
    const positions = LONG ? Array.from({ length: 500 }, (_, n) => n) : [0, 9, 10, 255, 499]

    test(`sqs-poison-at-every-position (${positions.length} of 500)`, async () => {
      await using database = await createDatabase()
      for (const position of positions) {
        const user = (n: number) => (n === position ? "poison\0" : `u-${n}`)
        const bodies = Array.from({ length: 500 }, (_, n) => login({ user_id: user(n) }))
        const drained = await drainAll(database, bodies)
        addsUp(drained)
        expect(drained.totals).toMatchObject({ stored: 499, left: 1, rejections: { "not-storable": 1 } })
        expect(drained.rows).toHaveLength(499)
        await database.query("truncate user_logins")
      }
      report("P4", `poison at ${positions.length} of 500 places: 499 rows and 1 rejected each time`)
    }, 600_000)

    const VERDICTS_OF_BATCHES = {
      "sqs-same-id-twice-in-one-receive": { rows: 1, duplicates: 1, left: 0 },
      "sqs-redelivered-after-commit": { rows: 1, duplicates: 2, left: 0 },
      "sqs-bad-md5-one-of-ten": { rows: 9, duplicates: 0, left: 1 },
      "sqs-md5-missing": { rows: 1, duplicates: 0, left: 0 },
      "sqs-missing-receipt-handle": { rows: 0, duplicates: 0, left: 1 },
      "sqs-missing-message-id": { rows: 0, duplicates: 0, left: 1 },
      "sqs-receive-count-at-max": { rows: 1, duplicates: 0, left: 0 },
      "sqs-eleven-messages": { rows: 11, duplicates: 0, left: 0 },
    } as const

    test("every entry is tried here", () => {
      const tried = [
        ...single.map(({ name }) => name),
        ...Object.keys(VERDICTS_OF_BATCHES),
        "sqs-poison-at-every-position",
      ]
      expect(tried.sort()).toEqual(entries.map(({ name }) => name).sort())
    })

    test.each(Object.entries(VERDICTS_OF_BATCHES))("%s", async (name, expected) => {
      await using database = await createDatabase()
      const answers = answersOf(name)
      let next = 0
      const drained = await drainAll(database, [], {
        script: async ({ operation }) => {
          if (operation !== "ReceiveMessage") return undefined
          const messages = answers[next++]
          if (messages === undefined) {
            await sleep(20)
            return { json: {} }
          }
          return { json: { Messages: messages } }
        },
      })
      const { totals, rows, stub } = drained
      expect({ rows: rows.length, duplicates: totals.duplicates, left: totals.left }).toEqual(expected)
      expect(totals.received).toBe(answers.flat().length)
      const deletes = stub.log.filter(({ operation }) => operation === "DeleteMessageBatch")
      const entries = deletes.flatMap(({ input }) => input.Entries as { Id: string; ReceiptHandle: string }[])
      expect(new Set(entries.map((entry) => entry.ReceiptHandle)).size).toBe(
        expected.rows + expected.duplicates,
      )
      for (const { input } of deletes) {
        const ids = input.Entries.map((entry: { Id: string }) => entry.Id)
        expect(new Set(ids).size).toBe(ids.length)
        expect(ids.length).toBeLessThanOrEqual(10)
      }
    })
  },
)

/** The answers to the receives of a batch entry, in the words of the SQS protocol. */
function answersOf(name: string): readonly (readonly MessageJson[])[] {
  const message = (n: number, change: Partial<MessageJson> = {}): MessageJson => ({
    MessageId: `00000000-0000-4000-8000-${String(n).padStart(12, "0")}`,
    ReceiptHandle: `receipt#${n}`,
    Body: login({ user_id: `u-${n}` }),
    Attributes: { SentTimestamp: "1790000000000", ApproximateReceiveCount: "1" },
    ...change,
  })
  const many = (count: number) => Array.from({ length: count }, (_, n) => message(n))
  switch (name) {
    case "sqs-same-id-twice-in-one-receive":
      return [[message(1), message(1, { ReceiptHandle: "receipt#again" })]]
    case "sqs-redelivered-after-commit":
      return [
        [message(1)],
        [message(1, { ReceiptHandle: "receipt#2" })],
        [message(1, { ReceiptHandle: "receipt#3" })],
      ]
    case "sqs-bad-md5-one-of-ten":
      return [many(10).map((one, n) => (n === 4 ? { ...one, MD5OfBody: "0".repeat(32) } : one))]
    case "sqs-md5-missing":
      return [[message(1, { MD5OfBody: null })]]
    case "sqs-missing-receipt-handle":
      return [[message(1, { ReceiptHandle: null })]]
    case "sqs-missing-message-id":
      return [[message(1, { MessageId: null })]]
    case "sqs-receive-count-at-max":
      return [
        [message(1, { Attributes: { SentTimestamp: "1790000000000", ApproximateReceiveCount: "1000" } })],
      ]
    case "sqs-eleven-messages":
      return [many(11)]
    default:
      throw new Error(`no answers for ${name}`)
  }
}
