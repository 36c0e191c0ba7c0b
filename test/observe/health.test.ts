import { expect, test } from "vitest"
import { createHealth } from "../../src/observe/health.ts"

function setUp() {
  const clock = { seconds: 0 }
  return { clock, health: createHealth(() => clock.seconds * 1000, 100) }
}

test("a run is ready from the moment both ends were reached until it stops", () => {
  const { health } = setUp()
  expect(health.notReady()).toBe("starting")
  health.opened()
  expect(health.notReady()).toBeNull()
  health.see({ type: "paused" })
  expect(health.notReady()).toBe("paused")
  health.see({ type: "resumed" })
  expect(health.notReady()).toBeNull()
  health.see({ type: "stopping", cause: "signal" })
  expect(health.notReady()).toBe("stopping")
  health.see({ type: "resumed" })
  expect(health.notReady()).toBe("stopping")
  health.see({ type: "finished", outcome: "stopped", heldByOthers: 0 })
  expect(health.notReady()).toBe("finished")
})

test.each([
  ["queue", { type: "empty-poll", consecutive: 1 }],
  ["database", { type: "stored", stored: 1, duplicates: 0, quarantined: 0, originals: 0, durationMs: 1 }],
] as const)("while the %s fails a run is not ready, but alive", (service, recovered) => {
  const { health, clock } = setUp()
  health.opened()
  for (let attempt = 1; attempt < 20; attempt++) {
    clock.seconds += 30
    health.see({ type: "retrying", service, call: "x", code: "X", attempt, delayMs: 30_000 })
    expect(health.notReady()).toBe(`the ${service} does not answer`)
    expect(health.notAlive()).toBeNull()
  }
  health.see(recovered)
  expect(health.notReady()).toBeNull()
})

test("a run that reports nothing for too long is not alive, unless somebody paused it", () => {
  const { health, clock } = setUp()
  health.opened()
  clock.seconds = 100
  expect(health.notAlive()).toBeNull()
  clock.seconds = 102
  expect(health.notAlive()).toBe("nothing has happened for 102 seconds")
  health.see({ type: "paused" })
  clock.seconds = 10_000
  expect(health.notAlive()).toBeNull()
  health.see({ type: "resumed" })
  clock.seconds = 10_101
  expect(health.notAlive()).toBe("nothing has happened for 101 seconds")
})

test("a run that hangs before it begins is not alive either", () => {
  const { health, clock } = setUp()
  clock.seconds = 101
  expect(health.notAlive()).toBe("nothing has happened for 101 seconds")
})
