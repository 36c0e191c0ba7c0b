import { describe, expect, test } from "vitest"
import { createKnownOriginals, type KnownOriginals, type Mark } from "../../src/vault/known-originals.ts"

const token = (index: number) => `k1:${index.toString(16).padStart(64, "0")}`

function remember(known: KnownOriginals, ...original: [string, string, string]): void {
  const mark = known.markUnknown(...original)
  if (mark !== null) known.remember(mark)
}

describe("known originals", () => {
  test("an original is known only once it is remembered, which is after the commit", () => {
    const known = createKnownOriginals()
    const mark = known.markUnknown("u-1", "ip", token(1)) as Mark
    expect(known.markUnknown("u-1", "ip", token(1))).not.toBeNull()
    known.remember(mark)
    expect(known.markUnknown("u-1", "ip", token(1))).toBeNull()
  })

  test("subject, field and token all count, however their characters are divided", () => {
    const known = createKnownOriginals()
    remember(known, "1:u", "ip", token(1))
    for (const other of [
      ["1:u", "ip", token(2)],
      ["1:u", "device_id", token(1)],
      ["1:v", "ip", token(1)],
      ["1:ui", "p", token(1)],
      ["1:", "uip", token(1)],
      ["u", "ip", `${token(1)}1:`],
    ] as [string, string, string][]) {
      expect(known.markUnknown(...other)).not.toBeNull()
    }
    expect(known.markUnknown("1:u", "ip", token(1))).toBeNull()
  })

  test("after forgetting nothing is known, and marks from before do nothing", () => {
    const known = createKnownOriginals()
    remember(known, "u-1", "ip", token(1))
    const inFlight = known.markUnknown("u-2", "ip", token(2)) as Mark
    known.forget()
    known.remember(inFlight)
    expect(known.markUnknown("u-1", "ip", token(1))).not.toBeNull()
    expect(known.markUnknown("u-2", "ip", token(2))).not.toBeNull()
  })

  test("never more entries than asked for; the least recently used of a set goes first", () => {
    const known = createKnownOriginals(8)
    for (let index = 0; index < 8; index++) remember(known, `u-${index}`, "ip", token(index))
    expect(known.markUnknown("u-0", "ip", token(0))).toBeNull()
    remember(known, "u-8", "ip", token(8))
    expect(known.markUnknown("u-1", "ip", token(1))).not.toBeNull()
    for (const index of [0, 2, 3, 4, 5, 6, 7, 8]) {
      expect(known.markUnknown(`u-${index}`, "ip", token(index))).toBeNull()
    }
  })

  test("remembering twice takes one place, wherever in its set it is", () => {
    const known = createKnownOriginals(8)
    const marks = Array.from(
      { length: 8 },
      (_, index) => known.markUnknown(`u-${index}`, "ip", token(index)) as Mark,
    )
    for (const mark of marks) known.remember(mark)
    for (const place of [0, 7, 7, 3, 5]) known.remember(marks[place] as Mark)
    for (let index = 0; index < 8; index++) {
      expect(known.markUnknown(`u-${index}`, "ip", token(index))).toBeNull()
    }
  })

  test("no set reaches into another: few originals in a large table are all known", () => {
    const known = createKnownOriginals(2 ** 14)
    for (let index = 0; index < 2000; index++) remember(known, `u-${index}`, "ip", token(index))
    for (let index = 0; index < 2000; index++) {
      expect(known.markUnknown(`u-${index}`, "ip", token(index))).toBeNull()
    }
  })

  test("it invents nothing: of 200,000 unknown originals none is known, with the table full", () => {
    const known = createKnownOriginals(2 ** 14)
    for (let index = 0; index < 50_000; index++) remember(known, `u-${index}`, "ip", token(index))
    let invented = 0
    for (let index = 0; index < 200_000; index++) {
      if (known.markUnknown(`v-${index}`, "ip", token(index)) === null) invented++
    }
    expect(invented).toBe(0)
  })

  test("memory is fixed: 16 bytes an entry, however many originals come", () => {
    const before = process.memoryUsage().arrayBuffers
    const known = createKnownOriginals(2 ** 19)
    const afterMaking = process.memoryUsage().arrayBuffers - before
    for (let index = 0; index < 100_000; index++) remember(known, `u-${index}`, "ip", token(index))
    expect(afterMaking).toBe(8 * 2 ** 20)
    expect(process.memoryUsage().arrayBuffers - before - afterMaking).toBeLessThan(2 ** 20)
  })

  test.each([0, 4, 12, 1000.5])("%s entries cannot be had", (entries) => {
    expect(() => createKnownOriginals(entries)).toThrow(new RangeError("not a power of two"))
  })
})
