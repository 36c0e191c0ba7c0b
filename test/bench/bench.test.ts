import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { expect, inject, test } from "vitest"

const run = promisify(execFile)
const BENCH = new URL("bench.ts", import.meta.url).pathname

/** Tiny sizes: that it runs and says what it promises, not how fast anything is. */
async function bench(...args: string[]) {
  const env = { ...process.env, TEST_DATABASE_URL: inject("databaseServerUrl") }
  const { stdout } = await run(process.execPath, [BENCH, ...args, "--json"], { env })
  return JSON.parse(stdout)
}

test.each(["stub", "fauxqs"])("compares peppermill with the others over %s", async (end) => {
  const { schema, what, machine, results } = await bench(
    ...["--rounds", "1", "--messages", "2000", "--end", end, "--only", "off,naive,consumers"],
  )
  expect([schema, what]).toEqual([1, "compare"])
  expect(machine).toMatchObject({ cores: expect.any(Number), postgres: expect.any(String) })
  expect(results.map(({ name }: { name: string }) => name)).toEqual(["off", "naive", "consumers"])
  for (const { perSecond, peakMb, timesNaive, timesConsumers } of results) {
    for (const { median } of [perSecond, peakMb]) expect(median).toBeGreaterThan(0)
    expect(timesNaive).toBeGreaterThan(0)
    expect(timesConsumers).toBeGreaterThan(0)
  }
})

test("measures the start-up", async () => {
  const { results } = await bench("start", "--rounds", "1")
  expect(results).toHaveLength(3)
  for (const { wallMs, peakMb } of results) expect(Math.min(wallMs.median, peakMb.median)).toBeGreaterThan(0)
})

test("measures memory, and storage with the plans of its look-ups", async () => {
  const memory = await bench("memory", "--messages", "5000")
  expect(memory.result).toMatchObject({ messages: expect.any(Number), mbPerMillion: expect.any(Number) })
  expect(memory.result.messages).toBeGreaterThanOrEqual(5000)
  const { result } = await bench("table", "--messages", "10000", "--rounds", "1")
  expect(result.ratio).toBeGreaterThan(0)
  expect(result.lookUps.map(({ by }: { by: string }) => by)).toEqual([
    "user_id",
    "masked_ip",
    "masked_device_id",
  ])
  for (const { plan } of result.lookUps) expect(plan).toContain("Execution Time")
})

test("measures one, two and four processes on one queue", async () => {
  const { results } = await bench("scale", "--rounds", "1", "--messages", "4000")
  expect(results.map(({ processes }: { processes: number }) => processes)).toEqual([1, 2, 4])
  for (const { perSecond, cpu, databaseCpu } of results)
    expect(Math.min(perSecond.median, cpu.median, databaseCpu.median)).toBeGreaterThan(0)
})

test("plans for a rate: fewer workers lag, and the bill is that of the calls", async () => {
  const { results } = await bench("plan", "--rate", "100000")
  const [fewer, enough] = results
  expect(fewer.workers).toBeLessThan(enough.workers)
  expect(fewer.burstLagMs).toBeGreaterThan(enough.burstLagMs)
  // 10,000 receives and 10,000 deletes a second.
  expect(enough.dollarsPerHour).toBeCloseTo((20_000 * 3600 * 0.4) / 1e6)
})
