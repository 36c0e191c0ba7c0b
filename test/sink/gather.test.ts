import { EventEmitter, once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { createGather } from "../../src/sink/gather.ts"

function gathering({ rows = 3, lingerMs = 60_000 }) {
  const batches: (readonly number[])[] = []
  const closing = new EventEmitter()
  const onBatch = (items: readonly number[]) => {
    batches.push(items)
    closing.emit("batch")
  }
  return {
    gather: createGather<number>({ rows, lingerMs, onBatch }),
    batches,
    next: () => once(closing, "batch"),
  }
}

test("a batch closes at once when it is full, and the next one begins empty", () => {
  const { gather, batches } = gathering({ rows: 3 })
  for (const item of [1, 2]) gather.add(item)
  expect([batches, gather.waiting]).toEqual([[], 2])
  gather.add(3)
  expect([batches, gather.waiting]).toEqual([[[1, 2, 3]], 0])
  for (const item of [4, 5, 6, 7]) gather.add(item)
  expect([batches.slice(1), gather.waiting]).toEqual([[[4, 5, 6]], 1])
  gather.flush()
})

test("a batch closes when its first item has lingered, however young the others are", async () => {
  const { gather, batches, next } = gathering({ lingerMs: 100 })
  const startedMs = performance.now()
  gather.add(1)
  await sleep(60)
  gather.add(2)
  await next()
  expect(batches).toEqual([[1, 2]])
  expect(performance.now() - startedMs).toBeGreaterThan(95)
  expect(gather.waiting).toBe(0)
})

test("a batch that was closed takes its time with it: the next one has all of its own", async () => {
  for (const close of ["full", "flushed"]) {
    const { gather, batches, next } = gathering({ rows: 2, lingerMs: 200 })
    gather.add(1)
    await sleep(100)
    if (close === "full") gather.add(2)
    else gather.flush()
    const startedMs = performance.now()
    gather.add(3)
    await next()
    expect(performance.now() - startedMs, close).toBeGreaterThan(195)
    expect(batches.at(-1)).toEqual([3])
  }
})

test("flushing closes what is there, and nothing when there is nothing", () => {
  const { gather, batches } = gathering({})
  gather.flush()
  expect(batches).toEqual([])
  gather.add(1)
  gather.flush()
  gather.flush()
  expect(batches).toEqual([[1]])
})
