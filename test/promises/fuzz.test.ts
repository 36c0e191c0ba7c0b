import { execFile } from "node:child_process"
import { join } from "node:path"
import { promisify } from "node:util"
import { describe, expect, test } from "vitest"
import { createMaskField } from "../../src/mask/mask.ts"
import { parseMaskKeys } from "../../src/mask/mask-keys.ts"
import type { Fuzzed } from "./fuzz/fuzz-process.ts"
import { REASONS } from "./fuzz/judge.ts"
import { LONG, report, seedOf } from "./report.ts"
import { seeded } from "./wire/random.ts"

const BODIES = LONG ? 1_000_000 : 50_000
const VALUES = LONG ? 1_000_000 : 20_000

async function fuzz(bodies: number, seed: number): Promise<Fuzzed> {
  const program = join(import.meta.dirname, "fuzz/fuzz-process.ts")
  // With little heap, so that what is not let go of ends the process.
  const args = ["--max-old-space-size=64", "--max-semi-space-size=4", program, `${bodies}`, `${seed}`]
  const { stdout } = await promisify(execFile)(process.execPath, args)
  return JSON.parse(stdout) as Fuzzed
}

describe("whatever the body", { timeout: 600_000 }, () => {
  test("it becomes an event or a known rejection, at once and in little memory", async () => {
    const seed = seedOf()
    const { accepted, rejections, rssMb, slowestCpuMs } = await fuzz(BODIES, seed)
    expect(rssMb).toBeLessThan(200)
    expect(slowestCpuMs).toBeLessThan(100)
    // Or the mutations would only ever reach the first check.
    expect(accepted).toBeGreaterThan(BODIES / 20)
    expect(Object.keys(rejections).toSorted()).toEqual(REASONS.toSorted())
    report(
      "P29",
      `${BODIES} mutated bodies: 0 errors, ${accepted} accepted, every kind of rejection seen, ` +
        `at most ${slowestCpuMs.toFixed(1)} ms of CPU for one, ${rssMb.toFixed(0)} MB resident at most`,
      seed,
    )
  })

  test("two values never have one token, nor does one value in two fields or under two keys", () => {
    const seed = seedOf()
    const random = seeded(seed)
    const keys = Object.fromEntries(["k1", "k2"].map((id) => [id, randomHex(random)]))
    const { live } = parseMaskKeys(keys, "k1")
    const masks = live.flatMap((key) =>
      ["ip", "device_id"].map((name) => createMaskField(key, "user_logins", name)),
    )
    const texts = new Set<string>()
    while (texts.size < VALUES / masks.length) texts.add(Math.floor(random() * 2 ** 52).toString(36))
    // Without the key's id, which would tell two keys apart by itself.
    const digits = () => [...texts].flatMap((text) => masks.map((mask) => mask(text).slice("k1:".length)))
    const first = digits()
    expect(new Set(first).size).toBe(VALUES)
    expect(digits()).toEqual(first)
    report("P20", `${VALUES} values under 2 keys in 2 fields: ${VALUES} tokens, and the same again`, seed)
  })
})

function randomHex(random: () => number): string {
  return Buffer.from(Array.from({ length: 32 }, () => Math.floor(random() * 256))).toString("hex")
}
