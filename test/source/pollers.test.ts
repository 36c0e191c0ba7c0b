import { expect, test } from "vitest"
import { createPollers } from "../../src/source/pollers.ts"

test("a backlog doubles the receives with every round trip, up to the bound", () => {
  const pollers = createPollers({ least: 3, most: 50 })
  const seen: number[] = []
  for (let trip = 0; trip < 5; trip++) {
    seen.push(pollers.wanted)
    for (let poll = pollers.wanted; poll > 0; poll--) pollers.came(10, 10)
  }
  expect(seen).toEqual([8, 16, 32, 50, 50])
})

test("an empty queue takes them back one by one, and keeps the least", () => {
  const pollers = createPollers({ least: 3, most: 50 })
  const seen = [8, 7, 6, 5, 4, 3, 3].map(() => {
    const { wanted } = pollers
    pollers.came(10, 0)
    return wanted
  })
  expect(seen).toEqual([8, 7, 6, 5, 4, 3, 3])
})

test("a receive that is neither full nor empty changes nothing", () => {
  const pollers = createPollers({ least: 3, most: 50 })
  pollers.came(10, 1)
  pollers.came(10, 9)
  expect(pollers.wanted).toBe(8)
})

test("a receive that asked for less and got it is full: the rest of an allowance", () => {
  const pollers = createPollers({ least: 3, most: 50 })
  pollers.came(4, 4)
  expect(pollers.wanted).toBe(9)
})

test("a bound below the least wins", () => {
  const pollers = createPollers({ least: 3, most: 1 })
  for (const brought of [10, 0, 0]) {
    pollers.came(10, brought)
    expect(pollers.wanted).toBe(1)
  }
})
