/**
 * Sends mutated bodies through decode and mask, in a process of its own, so that
 * its memory is that of the work. Arguments: how many, and the seed. Ends with
 * one line of JSON, a {@link Fuzzed}; or with an error that names the body.
 */
import { createDecoder } from "../../../src/decode/decode.ts"
import { createMask } from "../../../src/mask/mask.ts"
import { parseMaskKeys } from "../../../src/mask/mask-keys.ts"
import { describeBody } from "../../../src/vault/quarantine.ts"
import { LOGIN } from "../../shape.ts"
import { bodyOf, catalogueOf } from "../catalogue.ts"
import { seeded } from "../wire/random.ts"
import { wrongWith } from "./judge.ts"
import { mutateBody, SEEDS } from "./mutate-body.ts"

export interface Fuzzed {
  readonly bodies: number
  readonly accepted: number
  readonly rejections: Readonly<Record<string, number>>
  /** The most that was ever resident. */
  readonly rssMb: number
  /** Of this thread, to decode and mask one body. */
  readonly slowestCpuMs: number
}

const [bodies = 0, seed = 0] = process.argv.slice(2).map(Number)
const random = seeded(seed)
const catalogue = catalogueOf("message").flatMap(({ input }) => bodyOf(input) ?? [])
// A long body would be most of what is mutated, and little of it read.
const corpus = [...SEEDS, ...catalogue.filter((body) => body.length < 4_096)]
const decode = createDecoder(LOGIN)
const mask = createMask(parseMaskKeys({ k1: `${"0f".repeat(31)}aa` }, "k1").active, LOGIN)
const rejections: Record<string, number> = {}
let accepted = 0
let slowestCpuMs = 0

for (let n = 0; n < bodies; n++) {
  const body = mutateBody(corpus, random)
  try {
    const before = process.threadCpuUsage()
    const decoded = decode(body)
    const tokens = decoded.ok ? mask(decoded.event) : []
    const { user, system } = process.threadCpuUsage(before)
    const shape = decoded.ok ? "" : describeBody(body, LOGIN)
    slowestCpuMs = Math.max(slowestCpuMs, (user + system) / 1000)
    const wrong = wrongWith(body, { decoded, tokens, shape })
    if (wrong !== null) throw new Error(wrong)
    if (decoded.ok) accepted++
    else rejections[decoded.rejection.reason] = (rejections[decoded.rejection.reason] ?? 0) + 1
  } catch (error) {
    throw new Error(`body ${n} of seed ${seed}: ${JSON.stringify(body.slice(0, 2_000))}`, { cause: error })
  }
}
const rssMb = process.resourceUsage().maxRSS / 1024
const fuzzed: Fuzzed = { bodies, accepted, rejections, rssMb, slowestCpuMs }
process.stdout.write(`${JSON.stringify(fuzzed)}\n`)
