import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { createStore } from "../../src/tui/store.ts"

const sum = () =>
  createStore<number, number, string>(
    0,
    (state, add) => [state + add, []],
    () => {},
  )

describe("the store", () => {
  beforeEach(() => {
    vi.useFakeTimers()
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  test("readers see at most twelve pictures a second, however many messages come, and the last one always", () => {
    const store = sum()
    const seen: number[] = []
    store.subscribe(() => seen.push(store.getSnapshot()))
    for (let at = 0; at < 10_000; at++) {
      store.dispatch(1)
      if (at % 10 === 9) vi.advanceTimersByTime(1)
    }
    expect(seen.length).toBeLessThanOrEqual(13)
    vi.advanceTimersByTime(100)
    expect(seen.at(-1)).toBe(10_000)
  })

  test("the first message after a quiet moment shows at once", () => {
    const store = sum()
    const seen: number[] = []
    store.subscribe(() => seen.push(store.getSnapshot()))
    store.dispatch(1)
    expect(seen).toEqual([1])
    vi.advanceTimersByTime(1000)
    store.dispatch(1)
    expect(seen).toEqual([1, 2])
  })

  test("between two pictures the snapshot stays, while the value moves on", () => {
    const store = sum()
    store.dispatch(1)
    store.dispatch(1)
    expect(store.getSnapshot()).toBe(1)
    expect(store.current()).toBe(2)
  })

  test("a message that changes nothing shows nothing", () => {
    const store = sum()
    let pictures = 0
    store.subscribe(() => pictures++)
    store.dispatch(0)
    vi.advanceTimersByTime(1000)
    expect(pictures).toBe(0)
    expect(vi.getTimerCount()).toBe(0)
  })

  test("after the end no picture comes, and no timer is left", () => {
    const store = sum()
    let pictures = 0
    store.subscribe(() => pictures++)
    store.dispatch(1)
    store.dispatch(1)
    store.close()
    vi.advanceTimersByTime(1000)
    store.dispatch(1)
    expect(store.current()).toBe(2)
    expect(pictures).toBe(1)
    expect(vi.getTimerCount()).toBe(0)
  })

  test("an effect may send messages of its own", () => {
    const store = createStore<number, number, number>(
      0,
      (state, add) => [state + add, add > 0 ? [add - 1] : []],
      (add) => store.dispatch(add),
    )
    store.dispatch(4)
    expect(store.current()).toBe(10)
  })
})
