import { describe, expect, test } from "vitest"
import { runBatch } from "../../src/batch/batch.ts"
import { parseMaxRejects, tooManyRejects } from "../../src/batch/max-rejects.ts"
import type { DrainEvent, Outcome } from "../../src/drain-event.ts"
import { UserError } from "../../src/errors.ts"
import { EXIT } from "../../src/exit-code.ts"
import { summaryText } from "../../src/summary.ts"

const STORED: DrainEvent = {
  type: "stored",
  stored: 97,
  duplicates: 1,
  quarantined: 0,
  originals: 0,
  durationMs: 1,
}
const REJECTED: DrainEvent = {
  type: "rejected",
  messageId: "m1",
  rejection: { reason: "not-an-ip", field: "ip" },
}

async function run(
  outcome: Outcome,
  options: { maxRejects?: string; failure?: unknown; rejects?: number } = {},
) {
  async function* events(): AsyncGenerator<DrainEvent> {
    yield { type: "received", count: 100, durationMs: 1, oldestSentAtMs: 0 }
    yield STORED
    for (let n = 0; n < (options.rejects ?? 0); n++) yield REJECTED
    yield { type: "left", count: 2, reason: "rejected" }
    yield { type: "finished", outcome, heldByOthers: 0 }
    if (options.failure !== undefined) throw options.failure
  }
  let now = 0
  return runBatch(events(), {
    maxRejects: parseMaxRejects(options.maxRejects ?? "0"),
    now: () => (now += 500),
    see: () => {},
  })
}

describe("a batch", () => {
  test("sums its events up", async () => {
    const { summary } = await run("empty", { rejects: 2 })
    expect(summary).toEqual({
      schema: 1,
      received: 100,
      stored: 97,
      duplicates: 1,
      quarantined: 0,
      left: 2,
      retried: 0,
      durationMs: 500,
      messagesPerSecond: 196,
      outcome: "empty",
      heldByOthers: 0,
      rejections: { "not-an-ip": 2 },
    })
    expect(summaryText(summary)).toContain("the queue is empty after 0.5 s, 196 messages/s")
    expect(summaryText(summary)).toMatch(/not-an-ip +2\n/)
  })

  test.each([
    ["empty", {}, EXIT.ok],
    ["empty", { rejects: 2 }, EXIT.data],
    ["empty", { rejects: 2, maxRejects: "2" }, EXIT.ok],
    ["empty", { rejects: 2, maxRejects: "1.9%" }, EXIT.data],
    ["empty", { rejects: 2, maxRejects: "2%" }, EXIT.ok],
    ["bounded", {}, EXIT.unfinished],
    ["bounded", { rejects: 1 }, EXIT.data],
    ["stopped", {}, EXIT.unfinished],
    ["failed", { failure: new UserError("unavailable", "no") }, EXIT.unavailable],
    ["failed", { failure: new UserError("permission", "no"), rejects: 1 }, EXIT.permission],
    ["failed", { failure: new TypeError("bug") }, EXIT.bug],
  ] as const)("that ends %s with %o exits %d", async (outcome, options, status) => {
    const { exitCode, failure } = await run(outcome, options)
    expect(exitCode).toBe(status)
    expect(failure).toBe("failure" in options ? options.failure : undefined)
  })
})

test.each(["", "-1", "ten", "1.5", "101%", "%", "1e3", "5 %"])("--max-rejects %j is refused", (text) => {
  expect(() => parseMaxRejects(text)).toThrow(UserError)
})

test("no message received is no message rejected", () => {
  expect(tooManyRejects(parseMaxRejects("0%"), 0, 0)).toBe(false)
})
