import { expect, test } from "vitest"
import { createNonces } from "../../src/vault/nonces.ts"

test("a pool hands out every random byte once, in order, and wipes it in the same step", () => {
  const drawn: number[] = []
  let pool = new Uint8Array()
  const nextNonce = createNonces((buffer) => {
    pool = buffer as Uint8Array<ArrayBuffer>
    expect(pool.every((byte) => byte === 0)).toBe(true)
    for (let at = 0; at < pool.length; at++) {
      pool[at] = 1 + ((drawn.length * 7) % 255)
      drawn.push(pool[at] as number)
    }
  })
  const handedOut: number[] = []
  for (let count = 0; count < 3_000; count++) {
    handedOut.push(...nextNonce())
    if (count % 100 !== 99) continue
    const used = handedOut.length % pool.length || pool.length
    expect(pool.subarray(0, used).every((byte) => byte === 0)).toBe(true)
    expect(pool.subarray(used).every((byte) => byte !== 0)).toBe(true)
  }
  expect(handedOut).toEqual(drawn.slice(0, handedOut.length))
})

test("a nonce is a copy: writing to it changes no later one", () => {
  const nextNonce = createNonces((pool) => pool.fill(9))
  nextNonce().fill(0)
  expect([...nextNonce()]).toEqual(Array(12).fill(9))
})

test("a failing random source hands out nothing, then or later", () => {
  let failing = true
  const nextNonce = createNonces((pool) => {
    if (failing) throw new Error("no entropy")
    pool.fill(5)
  })
  expect(nextNonce).toThrow("no entropy")
  expect(nextNonce).toThrow("no entropy")
  failing = false
  expect([...nextNonce()]).toEqual(Array(12).fill(5))
})

test("100,000 nonces of the real source are all different", () => {
  const nextNonce = createNonces()
  const seen = new Set<bigint>()
  for (let count = 0; count < 100_000; count++) {
    const nonce = Buffer.from(nextNonce().buffer)
    seen.add((BigInt(nonce.readUInt32BE(0)) << 64n) | nonce.readBigUInt64BE(4))
  }
  expect(seen.size).toBe(100_000)
})
