import { createHash } from "node:crypto"
import { describe, expect, test } from "vitest"
import { CHAIN_START, type ChainHead, canonicalRecord, nextHash, verifyChain } from "../../src/audit/chain.ts"
import type { AuditAction, AuditRecord, ChainedRecord } from "../../src/audit/record.ts"
import { chain, chained, record } from "./records.ts"

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex")
const headOf = (records: readonly ChainedRecord[]): ChainHead => ({
  size: records.length,
  head: records.at(-1)?.hash ?? CHAIN_START,
})
const without = (records: readonly ChainedRecord[], index: number) => records.toSpliced(index, 1)

describe("the canonical form", () => {
  test("is frozen: what was hashed once is hashed the same for ever", () => {
    const one = record(7, { atMicros: 1_700_000_000_123_456, subject: "u-\u{1f600}", reason: "", tokens: 2 })
    const items = [
      ["peppermill/audit/v1", 19],
      ["7", 1],
      ["1700000000123456", 16],
      ["alice", 5],
      ["request", 7],
      ["u-\u{1f600}", 6],
      ["2", 1],
      ["", 0],
      ["SEC-7", 5],
      [null, -1],
      ['{"fields": ["ip"]}', 18],
    ] as const
    const expected = Buffer.concat(
      items.flatMap(([text, length]) => {
        const prefix = Buffer.alloc(4)
        prefix.writeInt32BE(length)
        return [prefix, Buffer.from(text ?? "")]
      }),
    )
    expect(hex(canonicalRecord(one))).toBe(hex(expected))
    const hash = createHash("sha256").update(Buffer.alloc(32)).update(expected).digest("hex")
    expect(hex(nextHash(CHAIN_START, one))).toBe(hash)
    expect(hash).toBe("1a1120e4054ad67a1597d4b93062256ae0639bbf129e39876d9219222e11bfa8")
  })

  test("differs wherever two records differ, also in where one text ends and the next begins", () => {
    const variants: Partial<AuditRecord>[] = [
      {},
      { position: 2 },
      { atMicros: 1 },
      { actor: "bob" },
      { actor: "alicer", action: "equest" as AuditAction },
      { action: "release" },
      { subject: "" },
      { subject: "u" },
      { tokens: 12 },
      { reason: null },
      { reason: "" },
      { reason: "fraud case", ticket: "" },
      { reason: "fraud caseSEC-1", ticket: "" },
      { requestId: "" },
      { requestId: "r" },
      { details: null },
      { details: '{"fields":["ip"]}' },
    ]
    const forms = variants.map((changes) => hex(canonicalRecord(record(1, changes))))
    expect(new Set(forms).size).toBe(variants.length)
  })
})

describe("verifying a chain", () => {
  const whole = chain(12)
  const checkpoint = headOf(whole.slice(0, 8))

  test("finds nothing wrong with a whole one, and gives its head", async () => {
    const head = { ok: true, ...headOf(whole) }
    expect(await verifyChain(whole)).toEqual(head)
    expect(await verifyChain(whole, { checkpoint })).toEqual(head)
    expect(await verifyChain(whole, { checkpoint: headOf(whole) })).toEqual(head)
    expect(await verifyChain([])).toEqual({ ok: true, size: 0, head: CHAIN_START })
    expect(await verifyChain([], { checkpoint: headOf([]) })).toEqual({
      ok: true,
      size: 0,
      head: CHAIN_START,
    })
  })

  test("reads a stream and holds none of it", async () => {
    async function* stream() {
      yield* whole
    }
    expect(await verifyChain(stream(), { checkpoint })).toEqual({ ok: true, ...headOf(whole) })
  })

  test.each<[string, ChainedRecord[], number, string]>([
    ["an edited text", whole.with(4, { ...at(4), reason: "nothing" }), 5, "changed"],
    ["an edited time", whole.with(4, { ...at(4), atMicros: 1 }), 5, "changed"],
    ["an edited hash", whole.with(4, { ...at(4), hash: at(5).hash }), 5, "changed"],
    ["a hash cut short", whole.with(4, { ...at(4), hash: at(4).hash.slice(1) }), 5, "changed"],
    ["an edit hashed anew, at the record after it", rehashed(4, { reason: "nothing" }), 6, "changed"],
    ["the last record edited", whole.with(11, { ...at(11), actor: "bob" }), 12, "changed"],
    ["the first record deleted", without(whole, 0), 1, "missing"],
    ["a record deleted in the middle", without(whole, 6), 7, "missing"],
    ["a record deleted, the rest renumbered", renumbered(without(whole, 6)), 7, "changed"],
    ["two records swapped", whole.with(2, at(3)).with(3, at(2)), 3, "out-of-order"],
    ["two records swapped and renumbered", renumbered(whole.with(2, at(3)).with(3, at(2))), 3, "changed"],
    ["a record twice", whole.toSpliced(5, 0, at(4)), 6, "out-of-order"],
    ["a record inserted, the rest renumbered", renumbered(whole.toSpliced(5, 0, at(2))), 6, "changed"],
  ])("finds %s", async (_, records, position, why) => {
    expect(await verifyChain(records)).toEqual({ ok: false, position, why })
  })

  test("finds a cut tail, but only with a checkpoint that has seen it", async () => {
    expect(await verifyChain(whole.slice(0, 5), { checkpoint })).toEqual({
      ok: false,
      position: 6,
      why: "cut-off",
    })
    expect(await verifyChain([], { checkpoint })).toEqual({ ok: false, position: 1, why: "cut-off" })
    expect(await verifyChain(whole.slice(0, 5))).toMatchObject({ ok: true, size: 5 })
  })

  test("finds a chain rewritten to its end, but only with a checkpoint that has seen the old one", async () => {
    const rewritten = chained(whole.map((one, index) => (index === 3 ? { ...one, actor: "bob" } : one)))
    expect(await verifyChain(rewritten, { checkpoint })).toEqual({ ok: false, position: 8, why: "rewritten" })
    expect(await verifyChain(rewritten)).toMatchObject({ ok: true })
    const later = chained(whole.map((one, index) => (index === 8 ? { ...one, actor: "bob" } : one)))
    expect(await verifyChain(later, { checkpoint })).toMatchObject({ ok: true })
  })

  function at(index: number): ChainedRecord {
    return whole[index] as ChainedRecord
  }

  function rehashed(index: number, changes: Partial<AuditRecord>): ChainedRecord[] {
    const edited = { ...at(index), ...changes }
    return whole.with(index, { ...edited, hash: nextHash(at(index - 1).hash, edited) })
  }

  function renumbered(records: readonly ChainedRecord[]): ChainedRecord[] {
    return records.map((one, index) => ({ ...one, position: index + 1 }))
  }
})

test("1,000 random edits are all found, and the first bad record is named", async () => {
  const seed = 20_260_401
  const random = randomFrom(seed)
  const whole = chain(40)
  const checkpoint = headOf(whole)
  const missed: string[] = []
  for (let attempt = 0; attempt < 1_000; attempt++) {
    const index = random(whole.length)
    const [records, position] = tamper(whole, index, random)
    const verdict = await verifyChain(records, { checkpoint })
    if (verdict.ok || verdict.position !== position) missed.push(`seed ${seed} attempt ${attempt}`)
  }
  expect(missed).toEqual([])
})

/** One random edit at `index`, and the position at which it must be found. */
function tamper(
  whole: readonly ChainedRecord[],
  index: number,
  random: (below: number) => number,
): [ChainedRecord[], number] {
  const one = whole[index] as ChainedRecord
  const position = index + 1
  switch (random(6)) {
    case 0: {
      const text = ["actor", "action", "subject", "reason", "ticket", "requestId", "details"] as const
      const part = text[random(text.length)] as (typeof text)[number]
      return [whole.with(index, { ...one, [part]: `${one[part] ?? ""}!` }), position]
    }
    case 1: {
      const number = (["atMicros", "tokens"] as const)[random(2)] as "atMicros" | "tokens"
      return [whole.with(index, { ...one, [number]: one[number] + 1 + random(1_000) }), position]
    }
    case 2: {
      const hash = one.hash.slice()
      hash[random(32)] = ((hash[random(32)] as number) + 1 + random(255)) % 256
      return [
        whole.with(index, { ...one, hash: equal(hash, one.hash) ? new Uint8Array(32) : hash }),
        position,
      ]
    }
    case 3:
      return [whole.toSpliced(index, 1), position]
    case 4:
      return [whole.slice(0, index), position]
    default: {
      const forged = { ...one, actor: "mallory" }
      const inserted = { ...forged, hash: nextHash(whole[index - 1]?.hash ?? CHAIN_START, forged) }
      // The forged record is sound in itself; the one it pushes back no longer follows. In the
      // checkpoint's own place the checkpoint shows it.
      const records = whole.toSpliced(index, 0, inserted).map((each, at) => ({ ...each, position: at + 1 }))
      return [records, index === whole.length - 1 ? position : position + 1]
    }
  }
}

const equal = (a: Uint8Array, b: Uint8Array) => Buffer.from(a).equals(b)

/** Numerical Recipes' linear congruential generator: a seed repeats a run. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((state / 2 ** 32) * below)
  }
}
