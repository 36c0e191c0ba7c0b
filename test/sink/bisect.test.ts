import fc from "fast-check"
import { expect, test } from "vitest"
import { writeBisecting } from "../../src/sink/bisect.ts"

const FAULT = new Error("a culprit is in it")

test("exactly the culprits are refused, and all others are written once", async () => {
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(fc.nat(199)), fc.nat(200), async (bad, length) => {
      const items = Array.from({ length }, (_, n) => n)
      const culprits = new Set(bad.filter((n) => n < length))
      let tries = 0
      const { written, refused } = await writeBisecting(
        items,
        async (part) => {
          tries++
          if (part.some((n) => culprits.has(n))) throw FAULT
          return part
        },
        (error) => error === FAULT,
      )
      expect(written.flat().sort((a, b) => a - b)).toEqual(items.filter((n) => !culprits.has(n)))
      expect(refused).toEqual([...culprits].sort((a, b) => a - b).map((item) => ({ item, error: FAULT })))
      expect(tries).toBeLessThanOrEqual(1 + culprits.size * 2 * Math.ceil(Math.log2(Math.max(length, 2))))
    }),
  )
})

test("every position of five hundred is found with at most nineteen writes", async () => {
  const items = Array.from({ length: 500 }, (_, n) => n)
  for (const culprit of items) {
    let tries = 0
    const { written, refused } = await writeBisecting(
      items,
      async (part) => {
        tries++
        if (part.includes(culprit)) throw FAULT
        return part.length
      },
      () => true,
    )
    expect([written.reduce((sum, n) => sum + n, 0), refused.length]).toEqual([499, 1])
    expect(tries).toBeLessThanOrEqual(19)
  }
})

test("an error that no split can cure ends it at once", async () => {
  const stop = new Error("stop")
  let tries = 0
  const write = async () => {
    tries++
    throw stop
  }
  await expect(writeBisecting([1, 2, 3], write, (error) => error === FAULT)).rejects.toBe(stop)
  expect(tries).toBe(1)
})
