import { expect, test } from "vitest"
import { createUnwrappedKeys } from "../../src/recover/unwrapped-keys.ts"
import { createDataKey } from "../../src/vault/data-key.ts"
import { createIdentity } from "../vault/keys.ts"

test("a data key is unwrapped once, and overwritten at the end", async () => {
  const { identity, recipient } = await createIdentity()
  const [one, other] = [await createDataKey([recipient]), await createDataKey([recipient])]
  const keys = createUnwrappedKeys([identity])
  const first = (await keys.of(one.id, one.wrapped)) as Uint8Array
  const second = (await keys.of(other.id, other.wrapped)) as Uint8Array
  expect(first).toHaveLength(32)
  expect(Buffer.from(first).equals(second)).toBe(false)
  // Known by its id, so the wrapping is not looked at again.
  expect(await keys.of(Buffer.from(one.id), new Uint8Array())).toBe(first)
  keys[Symbol.dispose]()
  for (const key of [first, second]) expect(Buffer.from(key)).toEqual(Buffer.alloc(32))
})

test("a data key that is gone, or that nobody here opens, gives nothing", async () => {
  const [ours, theirs] = [await createIdentity(), await createIdentity()]
  const [mine, other] = [await createDataKey([ours.recipient]), await createDataKey([theirs.recipient])]
  using keys = createUnwrappedKeys([ours.identity])
  expect(await keys.of(mine.id, null)).toBeNull()
  expect(await keys.of(other.id, other.wrapped)).toBeNull()
  expect(await keys.of(other.id, other.wrapped)).toBeNull()
})
