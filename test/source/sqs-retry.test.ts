import { expect, test } from "vitest"
import { createPersist } from "../../src/source/sqs-retry.ts"

test("a call that may not be made again is made once, whatever wait the dice give", async () => {
  let attempts = 0
  const clock = { now: () => 0, sleep: async () => {} }
  const persist = createPersist({ queue: "logins", clock, onRetry: () => {}, isClosed: () => false })
  for (let call = 0; call < 5000; call++) {
    const given = persist("receive", 0, () => {
      attempts++
      return Promise.reject(Object.assign(new Error("no answer"), { name: "TimeoutError" }))
    })
    await expect(given).rejects.toMatchObject({ kind: "unavailable" })
  }
  expect(attempts).toBe(5000)
})
