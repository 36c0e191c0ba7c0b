import { drainEnv } from "../binary.ts"
import { type Contender, contenders } from "./contenders.ts"
import { cpuSeconds, familyCpuSeconds, memoryMb } from "./processes.ts"
import type { Server } from "./server.ts"
import { type EndOptions, startSqsEnd } from "./sqs-end.ts"
import { median, type Spread, spread } from "./statistics.ts"

export interface CompareOptions {
  readonly kind: EndOptions["kind"]
  readonly delayMs: number
  readonly messages: number
  readonly rounds: number
  /** Contenders by name; all when empty. */
  readonly only: readonly string[]
  /** Another build of peppermill, to run as well. */
  readonly against: string | undefined
  readonly env: Readonly<Record<string, string>>
}

/** What one run of one contender came to, between its warm-up and its last messages. */
interface Measured {
  readonly perSecond: number
  /** Of the contender's own process, per message, in µs. */
  readonly cpu: number
  /** Of all of PostgreSQL, per row, in µs. */
  readonly databaseCpu: number
  readonly peakMb: number
}

export interface Compared {
  readonly name: string
  readonly what: string
  readonly messages: number
  readonly perSecond: Spread
  readonly cpu: Spread
  readonly databaseCpu: Spread
  readonly peakMb: Spread
  /** Throughput over that contender's, of medians; null where it did not run. */
  readonly timesNaive: number | null
  readonly timesConsumers: number | null
}

/** Start-up and the compiler's warm-up do not count, nor does the last batch, which waits for company. */
const WARM_UP = 0.25
const TAIL = 0.05

/** Every contender in turn, round after round: the machine's other work comes in waves, and takes all alike. */
export async function compare(
  server: Server,
  options: CompareOptions,
  tell: (words: string) => void,
): Promise<readonly Compared[]> {
  const { only, rounds } = options
  const chosen = contenders(options.against).filter(({ name }) => only.length === 0 || only.includes(name))
  const results = new Map<Contender, Measured[]>(chosen.map((contender) => [contender, []]))
  for (let round = 1; round <= rounds; round++) {
    for (const [contender, measured] of results) {
      const one = await measure(server, contender, { ...options, seed: `round ${round}` })
      measured.push(one)
      tell(`${round}/${rounds} ${contender.name}: ${figure(one.perSecond)}/s, ${figure(one.cpu)} µs`)
    }
  }
  const rate = (name: string) => {
    const measured = [...results].find(([contender]) => contender.name === name)?.[1]
    return measured === undefined ? null : median(measured.map(({ perSecond }) => perSecond))
  }
  return [...results].map(([contender, measured]) => {
    const of = (key: keyof Measured) => spread(measured.map((one) => one[key]))
    const times = (other: number | null) => (other === null ? null : of("perSecond").median / other)
    return {
      name: contender.name,
      what: contender.what,
      messages: amount(contender, options),
      perSecond: of("perSecond"),
      cpu: of("cpu"),
      databaseCpu: of("databaseCpu"),
      peakMb: of("peakMb"),
      timesNaive: times(rate("naive")),
      timesConsumers: times(rate("consumers")),
    }
  })
}

const amount = ({ share }: Contender, { messages }: CompareOptions) => Math.ceil(share * messages)
const figure = (value: number) => value.toFixed(value < 100 ? 1 : 0)

async function measure(
  server: Server,
  contender: Contender,
  options: CompareOptions & { readonly seed: string },
): Promise<Measured> {
  const databaseUrl = await server.fresh()
  const count = amount(contender, options)
  const { kind, seed, delayMs } = options
  const end = await startSqsEnd({ kind, seed, count, delayMs, repeats: contender.repeats })
  const env = { ...drainEnv(end, databaseUrl), PATH: process.env["PATH"] ?? "", ...options.env }
  const running = await contender.start(env)
  const now = (deleted: number) => ({
    deleted,
    ms: performance.now(),
    cpu: cpuSeconds(running.pid),
    databaseCpu: familyCpuSeconds(server.postmaster),
  })
  try {
    const from = now(await Promise.race([end.deleted(WARM_UP * count), running.failed]))
    // The end may tell of many deletes at once.
    const enough = Math.max((1 - TAIL) * count, Math.min(from.deleted + 1, count))
    const to = now(await Promise.race([end.deleted(enough), running.failed]))
    const messages = to.deleted - from.deleted
    return {
      perSecond: (messages / (to.ms - from.ms)) * 1000,
      cpu: ((to.cpu - from.cpu) / messages) * 1e6,
      databaseCpu: ((to.databaseCpu - from.databaseCpu) / messages) * 1e6,
      peakMb: memoryMb(running.pid, "VmHWM"),
    }
  } finally {
    await running.stop()
    end.close()
  }
}
