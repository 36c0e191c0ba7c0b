import { setTimeout as sleep } from "node:timers/promises"
import { generateX25519Identity, identityToRecipient } from "age-encryption"
import fc from "fast-check"
import { describe, expect, test } from "vitest"
import { createDecoder } from "../src/decode/decode.ts"
import { type Drain, drain } from "../src/drain.ts"
import { createDrainControl } from "../src/drain-control.ts"
import { addEvent, type DrainEvent, NO_TOTALS, type Totals } from "../src/drain-event.ts"
import type { DrainLimits } from "../src/drain-limits.ts"
import { UserError } from "../src/errors.ts"
import { createMask } from "../src/mask/mask.ts"
import { parseMaskKeys } from "../src/mask/mask-keys.ts"
import { ledgerId } from "../src/message-id.ts"
import { ErasedMeanwhile, type WrappedDataKey } from "../src/sink/sink.ts"
import { systemClock } from "../src/time/clock.ts"
import { createVault, type Vault } from "../src/vault/vault.ts"
import { createFakeSink, createFakeSource, type FakeSink, type FakeSource } from "./fakes.ts"
import { LOGIN, login } from "./shape.ts"

const KEY = parseMaskKeys({ k1: `00${"7f".repeat(31)}` }, "k1").active

const LIMITS: DrainLimits = {
  pollers: 4,
  waitSeconds: 0.02,
  visibilitySeconds: 30,
  rows: 10,
  lingerMs: 5,
  inFlight: 2,
  emptyPolls: 3,
  timeoutSeconds: 0.2,
  follow: false,
  maxMessages: null,
  maxSeconds: null,
}

function setUp(
  source: FakeSource,
  options: { sink?: FakeSink; limits?: Partial<DrainLimits>; vault?: Vault } = {},
) {
  const sink = options.sink ?? createFakeSink()
  const control = createDrainControl()
  const d: Drain = {
    source,
    sink,
    shape: LOGIN,
    decode: createDecoder(LOGIN),
    mask: createMask(KEY, LOGIN),
    vault: options.vault ?? null,
    clock: systemClock,
    limits: { ...LIMITS, ...options.limits },
    onSourceRetry: () => {},
  }
  return { source, sink, control, d }
}

async function collect(
  events: AsyncIterable<DrainEvent>,
): Promise<{ all: DrainEvent[]; totals: Totals; failure: unknown }> {
  const all: DrainEvent[] = []
  let failure: unknown
  try {
    for await (const event of events) all.push(event)
  } catch (error) {
    failure = error
  }
  return { all, totals: all.reduce(addEvent, NO_TOTALS), failure }
}

const finished = (events: readonly DrainEvent[]) => events.find((event) => event.type === "finished")

const addsUp = ({ received, stored, duplicates, quarantined, left }: Totals) =>
  expect(
    stored + duplicates + quarantined + left,
    "received = stored + duplicates + quarantined + left",
  ).toBe(received)

describe("drain", () => {
  test("stores every good message once, leaves the bad ones, and ends when the queue is empty", async () => {
    const bodies = Array.from({ length: 95 }, (_, n) =>
      n % 19 === 0 ? "{not json" : login({ user_id: `u-${n}` }),
    )
    const { d, source, sink, control } = setUp(createFakeSource(bodies))
    const { all, totals, failure } = await collect(drain(d, control))
    expect(failure).toBeUndefined()
    expect(finished(all)).toMatchObject({ outcome: "empty", heldByOthers: 0 })
    expect(totals).toMatchObject({ received: 95, stored: 90, left: 5, rejections: { "not-json": 5 } })
    addsUp(totals)
    expect(new Set(sink.rows.map((row) => row.plain[0])).size).toBe(90)
    expect(source.acknowledged).toHaveLength(90)
    // Handed back, not held until their timeout.
    expect([source.waiting.size, source.hidden.size]).toEqual([5, 0])
  })

  test("ends on an empty queue after the needed polls", async () => {
    const { d, control, source } = setUp(createFakeSource())
    const { all, totals } = await collect(drain(d, control))
    expect(finished(all)).toMatchObject({ outcome: "empty" })
    expect(totals).toEqual(NO_TOTALS)
    expect(source.receives).toBeGreaterThanOrEqual(3)
    expect(source.receives).toBeLessThanOrEqual(LIMITS.pollers)
  })

  test("is not fooled by false empties", async () => {
    const source = createFakeSource(Array.from({ length: 200 }, (_, n) => login({ user_id: `u-${n}` })))
    const honest = source.receive
    let seed = 7
    source.receive = async (max, waitSeconds) => {
      seed = (seed * 16_807) % 2_147_483_647
      if (seed % 10 < 3) {
        source.receives++
        return { deliveries: [], damaged: 0 }
      }
      return honest(max, waitSeconds)
    }
    const { d, control, sink } = setUp(source)
    const { all } = await collect(drain(d, control))
    expect(finished(all)).toMatchObject({ outcome: "empty" })
    expect(sink.rows).toHaveLength(200)
    expect(source.waiting.size).toBe(0)
  })

  test("acknowledges nothing when the commit fails, hands all back, and throws the failure", async () => {
    const sink = createFakeSink(async () => {
      throw new UserError("unavailable", "the database does not answer")
    })
    const { d, source, control } = setUp(createFakeSource([login(), login(), "{not json"]), { sink })
    const { all, totals, failure } = await collect(drain(d, control))
    expect(failure).toMatchObject({ kind: "unavailable" })
    expect(source.acknowledged).toEqual([])
    expect(finished(all)).toMatchObject({ outcome: "failed" })
    expect(totals).toMatchObject({ received: 3, stored: 0, left: 3 })
    expect(source.waiting.size).toBe(3)
  })

  test("throws what the queue throws, after settling what is in hand", async () => {
    const source = createFakeSource(Array.from({ length: 10 }, () => login()))
    const honest = source.receive
    source.receive = async (max, waitSeconds) => {
      if (source.receives > 0) throw new UserError("config", "there is no such queue")
      return honest(max, waitSeconds)
    }
    const { d, control, sink } = setUp(source, { limits: { pollers: 2 } })
    const { totals, failure } = await collect(drain(d, control))
    expect(failure).toMatchObject({ message: "there is no such queue" })
    expect([sink.rows.length, source.acknowledged.length, totals.stored]).toEqual([10, 10, 10])
  })

  test("never acknowledges before the commit, in any batch", async () => {
    const source = createFakeSource(Array.from({ length: 60 }, (_, n) => login({ user_id: `u-${n}` })))
    const sink = createFakeSink(async (batch, commit) => {
      for (const { messageId } of batch.rows) expect(source.acknowledged).not.toContain(messageId)
      await sleep(3)
      const written = commit(batch)
      for (const { messageId } of batch.rows) expect(source.acknowledged).not.toContain(messageId)
      return written
    })
    const { d, control } = setUp(source, { sink })
    const { failure } = await collect(drain(d, control))
    expect(failure).toBeUndefined()
    expect(source.acknowledged).toHaveLength(60)
  })

  test("a consumer may leave at any event: what is acknowledged is stored, what is not is back in the queue", async () => {
    for (let leaveAfter = 1; leaveAfter <= 8; leaveAfter++) {
      const { d, source, sink, control } = setUp(createFakeSource([login(), "{not json", login(), login()]), {
        limits: { rows: 2 },
      })
      let seen = 0
      for await (const _ of drain(d, control)) if (++seen === leaveAfter) break
      for (const id of source.acknowledged) expect(sink.ledger).toContain(id)
      expect(source.acknowledged.length + source.waiting.size, `left after ${leaveAfter}`).toBe(4)
    }
  })

  test("removes a known duplicate from the queue without storing it again", async () => {
    const source = createFakeSource([login(), login()])
    const { d, sink, control } = setUp(source)
    sink.ledger.add("m0")
    const { totals } = await collect(drain(d, control))
    expect(totals).toMatchObject({ received: 2, stored: 1, duplicates: 1 })
    expect([...source.acknowledged].sort()).toEqual(["m0", "m1"])
  })

  test("a message that comes twice while in hand is stored once, and both receipts are returned", async () => {
    const source = createFakeSource([login()])
    const honest = source.receive
    source.receive = async (max, waitSeconds) => {
      const answer = await honest(max, waitSeconds)
      return {
        ...answer,
        deliveries: answer.deliveries.flatMap((one) => [one, { ...one, receipt: "again" }]),
      }
    }
    const { d, sink, control } = setUp(source)
    const { totals } = await collect(drain(d, control))
    expect(totals).toMatchObject({ received: 2, stored: 1, duplicates: 1 })
    addsUp(totals)
    expect(sink.rows).toHaveLength(1)
    expect(source.acknowledged).toEqual(["m0", "m0"])
  })

  test("a row that no table takes is left, and its batch mates are stored", async () => {
    const sink = createFakeSink(async (batch, commit) => {
      const bad = batch.rows.find((row) => row.plain[0] === "u-3")
      if (bad === undefined) return commit(batch)
      const refused = [{ messageId: bad.messageId, sqlState: "22021", column: "user_id" }]
      return { ...commit({ ...batch, rows: batch.rows.filter((row) => row !== bad) }), refused }
    })
    const source = createFakeSource(Array.from({ length: 6 }, (_, n) => login({ user_id: `u-${n}` })))
    const { d, control } = setUp(source, { sink })
    const { all, totals } = await collect(drain(d, control))
    expect(totals).toMatchObject({ received: 6, stored: 5, left: 1, rejections: { "not-storable": 1 } })
    expect(all).toContainEqual({
      type: "rejected",
      messageId: "m3",
      rejection: { reason: "not-storable", field: "user_id" },
    })
    expect(source.acknowledged).toHaveLength(5)
  })

  test("a message it left comes back: it is not counted again, and is no reason to wait", async () => {
    const source = createFakeSource(["{not json", ...Array.from({ length: 30 }, () => login())])
    const sink = createFakeSink(async (batch, commit) => {
      source.expire()
      return commit(batch)
    })
    const { d, control } = setUp(source, { sink, limits: { pollers: 1 } })
    const { all, totals } = await collect(drain(d, control))
    expect(finished(all)).toMatchObject({ outcome: "empty" })
    expect(totals.left).toBe(1)
    expect(totals.rejections).toEqual({ "not-json": 1 })
    addsUp(totals)
  })

  test("waits for messages that others hold, then says how many", async () => {
    const source = createFakeSource([login()])
    source.hidden.set("theirs", { body: login(), receiveCount: 1, receipt: "theirs" })
    const { d, control } = setUp(source)
    const { all } = await collect(drain(d, control))
    expect(all.filter((event) => event.type === "waiting-for-others").length).toBeGreaterThan(0)
    expect(finished(all)).toMatchObject({ outcome: "stopped", heldByOthers: 1 })
  })

  test("stores what others let go of while it waits", async () => {
    const source = createFakeSource([login()])
    source.hidden.set("theirs", { body: login(), receiveCount: 1, receipt: "theirs" })
    const { d, control, sink } = setUp(source, { limits: { timeoutSeconds: 5 } })
    setTimeout(() => source.expire(), 60)
    const { all } = await collect(drain(d, control))
    expect(finished(all)).toMatchObject({ outcome: "empty" })
    expect(sink.rows).toHaveLength(2)
  })

  test("takes in no more than it was allowed", async () => {
    const source = createFakeSource(Array.from({ length: 100 }, (_, n) => login({ user_id: `u-${n}` })))
    const recipient = await identityToRecipient(await generateX25519Identity())
    const real = createVault({ recipients: [recipient], shape: LOGIN, storeDataKey: async () => {} })
    let delayMs = 0
    // Polls that end together are taken in one after the other.
    const ready = async () => {
      await real.ready()
      delayMs += 10
      await sleep(delayMs)
    }
    const vault = { ...real, ready }
    const { d, control, sink } = setUp(source, { vault, limits: { maxMessages: 23 } })
    const { all, totals } = await collect(drain(d, control))
    expect(finished(all)).toMatchObject({ outcome: "bounded" })
    expect([totals.received, sink.rows.length, source.waiting.size]).toEqual([23, 23, 77])
  })

  test("never asks for messages beyond its allowance, and never writes more batches at a time than it may", async () => {
    const source = createFakeSource(Array.from({ length: 100 }, (_, n) => login({ user_id: `u-${n}` })))
    const honest = source.receive
    const asked: number[] = []
    source.receive = (max, waitSeconds) => {
      asked.push(max)
      return honest(max, waitSeconds)
    }
    let writing = 0
    let most = 0
    const sink = createFakeSink(async (batch, commit) => {
      most = Math.max(most, ++writing)
      await sleep(5)
      writing--
      return commit(batch)
    })
    const { d, control } = setUp(source, { sink, limits: { pollers: 8, maxMessages: 20, rows: 2 } })
    await collect(drain(d, control))
    expect(asked).toEqual([10, 10])
    expect(most).toBe(2)
  })

  test("stops at its time, and on a signal, with everything in hand committed and acknowledged", async () => {
    for (const [limits, outcome] of [
      [{ maxSeconds: 0.1 }, "bounded"],
      [{}, "stopped"],
    ] as const) {
      const source = createFakeSource()
      const producer = setInterval(() => source.send([login()]), 1)
      const { d, control, sink } = setUp(source, { limits: { follow: true, ...limits } })
      if (outcome === "stopped") setTimeout(() => control.stop("signal"), 100)
      const { all, totals } = await collect(drain(d, control))
      clearInterval(producer)
      expect(finished(all)).toMatchObject({ outcome })
      expect(sink.rows.length).toBeGreaterThan(0)
      expect(source.acknowledged).toHaveLength(sink.rows.length)
      expect(source.hidden.size).toBe(0)
      addsUp(totals)
    }
  })

  test("follows a queue through emptiness", async () => {
    const source = createFakeSource([login()])
    const { d, control, sink } = setUp(source, { limits: { follow: true } })
    setTimeout(() => source.send([login()]), 150)
    setTimeout(() => control.stop("signal"), 300)
    const { all } = await collect(drain(d, control))
    expect(finished(all)).toMatchObject({ outcome: "stopped" })
    expect(sink.rows).toHaveLength(2)
  })

  test("takes nothing in while paused, and goes on after", async () => {
    const source = createFakeSource()
    const { d, control, sink } = setUp(source)
    control.pause()
    source.send([login()])
    setTimeout(() => {
      expect(sink.rows).toHaveLength(0)
      control.resume()
    }, 100)
    const { all } = await collect(drain(d, control))
    expect(all.some((event) => event.type === "resumed")).toBe(true)
    expect(sink.rows).toHaveLength(1)
  })

  test("asks side by side for what a backlog has, up to the bound, and for less once it is gone", async () => {
    const source = createFakeSource(Array.from({ length: 1000 }, (_, n) => login({ user_id: `u-${n}` })))
    const honest = source.receive
    let polling = 0
    let most = 0
    const whenEmpty: number[] = []
    const { d, control, sink } = setUp(source, { limits: { pollers: 20, rows: 200, follow: true } })
    source.receive = async (max, waitSeconds) => {
      most = Math.max(most, ++polling)
      if (source.waiting.size === 0) whenEmpty.push(polling)
      else await sleep(2)
      if (whenEmpty.length === 100) control.stop("signal")
      return honest(max, waitSeconds).finally(() => polling--)
    }
    await collect(drain(d, control))
    expect(sink.rows).toHaveLength(1000)
    expect(most).toBe(20)
    expect(Math.max(...whenEmpty.slice(50, 100))).toBe(LIMITS.emptyPolls)
  })

  test("takes in no more while what is stored cannot be deleted", async () => {
    const source = createFakeSource(Array.from({ length: 400 }, (_, n) => login({ user_id: `u-${n}` })))
    const honest = source.acknowledge
    let letGo = () => {}
    const stuck = new Promise<void>((resolve) => {
      letGo = resolve
    })
    source.acknowledge = async (deliveries) => {
      await stuck
      return honest(deliveries)
    }
    const { d, control, sink } = setUp(source)
    let stored = 0
    setTimeout(() => {
      stored = sink.rows.length
      letGo()
    }, 300)
    const { failure } = await collect(drain(d, control))
    expect(failure).toBeUndefined()
    // Twice rows × (inFlight + 1) stored and not deleted, what is in hand, and the polls under way.
    expect(stored).toBeLessThanOrEqual(2 * 30 + 30 + 40)
    expect(source.acknowledged).toHaveLength(400)
  })

  test("holds a bounded number of messages while the database is slow", async () => {
    const source = createFakeSource(Array.from({ length: 500 }, (_, n) => login({ user_id: `u-${n}` })))
    let most = 0
    const sink = createFakeSink(async (batch, commit) => {
      most = Math.max(most, source.hidden.size)
      await sleep(5)
      return commit(batch)
    })
    const { d, control } = setUp(source, { sink })
    await collect(drain(d, control))
    expect(sink.rows).toHaveLength(500)
    // rows × (inFlight + 1) in hand, and what the polls under way may still bring.
    expect(most).toBeLessThanOrEqual(10 * 3 + 4 * 10)
  })

  test("with a vault, every row brings its originals and every reject is stored, then deleted", async () => {
    const recipient = await identityToRecipient(await generateX25519Identity())
    const stored: WrappedDataKey[] = []
    const storeDataKey = async (key: WrappedDataKey) => void stored.push(key)
    const vault = createVault({ recipients: [recipient], shape: LOGIN, storeDataKey })
    const sink = createFakeSink(async (batch, commit) => {
      const written = commit(batch)
      const bad = batch.rows.find((row) => row.plain[0] === "u-3")
      if (bad === undefined) return written
      return {
        ...written,
        stored: written.stored - 1,
        refused: [{ messageId: bad.messageId, sqlState: "22021", column: undefined }],
      }
    })
    const bodies = [...Array.from({ length: 6 }, (_, n) => login({ user_id: `u-${n}` })), "{not json"]
    const { d, source, control } = setUp(createFakeSource(bodies), { sink, vault, limits: { rows: 4 } })
    const { totals, failure } = await collect(drain(d, control))
    expect(failure).toBeUndefined()
    expect(stored).toHaveLength(1)
    expect(totals.rejections).toEqual({ "not-json": 1, "not-storable": 1 })
    addsUp(totals)
    for (const row of sink.rows) expect(row.originals.map((original) => original.token)).toEqual(row.tokens)
    expect(
      sink.batches
        .flatMap((batch) => batch.rejects)
        .map((reject) => reject.messageId)
        .sort(),
    ).toEqual(["m3", "m6"].map(ledgerId).sort())
    expect(source.acknowledged).toHaveLength(7)
    expect(source.waiting.size + source.hidden.size).toBe(0)
  })

  test("seals anew what an erasure took away meanwhile", async () => {
    const recipient = await identityToRecipient(await generateX25519Identity())
    const vault = createVault({ recipients: [recipient], shape: LOGIN, storeDataKey: async () => {} })
    let erasures = 0
    const inVault = new Set<string>()
    const sink = createFakeSink(async (batch, commit) => {
      if (batch.erasures !== null && batch.erasures !== erasures) throw new ErasedMeanwhile()
      const written = { ...commit(batch), erasures }
      for (const row of batch.rows) for (const { token } of row.originals) inVault.add(token)
      return written
    })
    const source = createFakeSource([login()])
    const { d, control } = setUp(source, { sink, vault, limits: { follow: true } })
    const seen: DrainEvent[] = []
    for await (const event of drain(d, control)) {
      seen.push(event)
      if (event.type !== "acknowledged") continue
      if (sink.rows.length === 1) {
        erasures++
        inVault.clear()
        // The same person again, and a message that is rejected along with it.
        source.send([login(), "{not json"])
      } else control.stop("signal")
    }
    expect(sink.rows).toHaveLength(2)
    expect([...inVault].sort()).toEqual(
      sink.rows
        .slice(1)
        .flatMap((row) => row.tokens)
        .sort(),
    )
    const totals = seen.reduce(addEvent, NO_TOTALS)
    expect(totals).toMatchObject({ received: 3, stored: 2, quarantined: 1, rejections: { "not-json": 1 } })
  })

  test("leaves out what it has stored already, and says on what count of erasures it relies", async () => {
    const recipient = await identityToRecipient(await generateX25519Identity())
    const vault = createVault({ recipients: [recipient], shape: LOGIN, storeDataKey: async () => {} })
    const sink = createFakeSink(async (batch, commit) => ({ ...commit(batch), erasures: 7 }))
    const source = createFakeSource([login()])
    const { d, control } = setUp(source, { sink, vault, limits: { follow: true } })
    for await (const event of drain(d, control)) {
      if (event.type !== "acknowledged") continue
      if (sink.rows.length === 1) source.send([login(), login({ ip: "203.0.113.78" })])
      else control.stop("signal")
    }
    expect(sink.batches.map((batch) => batch.erasures)).toEqual([null, 7])
    expect(sink.rows.map((row) => row.originals.map((original) => original.field))).toEqual([
      ["ip", "device_id"],
      [],
      ["ip"],
    ])
  })

  test("no event carries a value, a body, a token or a receipt", async () => {
    const canary = {
      user_id: "canary-user",
      ip: "203.0.113.199",
      device_id: "canary-device",
      locale: "canary-loc",
    }
    const { d, control, sink } = setUp(
      createFakeSource([login(canary), login({ ...canary, app_version: "canary-v" })]),
    )
    const { all } = await collect(drain(d, control))
    const text = JSON.stringify(all)
    for (const secret of [
      ...Object.values(canary),
      ...sink.rows.flatMap((row) => row.tokens as readonly string[]),
      '"r0"',
    ]) {
      expect(text).not.toContain(secret)
    }
  })

  test("adds up, whatever mixture comes", async () => {
    const kind = fc.constantFrom("good", "bad", "twice", "known")
    await fc.assert(
      fc.asyncProperty(fc.array(kind, { maxLength: 60 }), async (kinds) => {
        const source = createFakeSource(
          kinds.map((one, n) => (one === "bad" ? "{" : login({ user_id: `u-${n}` }))),
        )
        const honest = source.receive
        source.receive = async (max, waitSeconds) => {
          const answer = await honest(max, waitSeconds / 10)
          const twice = answer.deliveries.filter(({ id }) => kinds[Number(id.slice(1))] === "twice")
          return { ...answer, deliveries: [...answer.deliveries, ...twice] }
        }
        const { d, control, sink } = setUp(source, { limits: { lingerMs: 1 } })
        kinds.forEach((one, n) => {
          if (one === "known") sink.ledger.add(`m${n}`)
        })
        const { totals, failure } = await collect(drain(d, control))
        expect(failure).toBeUndefined()
        addsUp(totals)
        const count = (wanted: string) => kinds.filter((one) => one === wanted).length
        expect(totals).toMatchObject({
          stored: count("good") + count("twice"),
          duplicates: count("twice") + count("known"),
          left: count("bad"),
        })
      }),
      { numRuns: 60 },
    )
  })
})
