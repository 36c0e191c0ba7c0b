import { drainEnv } from "../binary.ts"
import { contenders, type Running } from "./contenders.ts"
import { cpuSeconds, familyCpuSeconds } from "./processes.ts"
import type { Server } from "./server.ts"
import { startSqsEnd } from "./sqs-end.ts"
import { type Spread, spread } from "./statistics.ts"

export interface Scaled {
  readonly processes: number
  readonly perSecond: Spread
  readonly cpu: Spread
  readonly databaseCpu: Spread
}

const PROCESSES = [1, 2, 4]

/** One, two and four peppermills, vault off, on one queue and one database, in turn. */
export async function measureScale(
  server: Server,
  { messages, rounds, delayMs }: { messages: number; rounds: number; delayMs: number },
  tell: (words: string) => void,
): Promise<readonly Scaled[]> {
  const runs = PROCESSES.map((processes) => ({ processes, measured: [] as Measured[] }))
  for (let round = 1; round <= rounds; round++) {
    for (const { processes, measured } of runs) {
      const one = await measure(server, processes, messages, delayMs)
      measured.push(one)
      tell(`${round}/${rounds} ${processes}: ${one.perSecond.toFixed(0)}/s, ${one.cpu.toFixed(1)} µs`)
    }
  }
  return runs.map(({ processes, measured }) => {
    const of = (key: keyof Measured) => spread(measured.map((one) => one[key]))
    return { processes, perSecond: of("perSecond"), cpu: of("cpu"), databaseCpu: of("databaseCpu") }
  })
}

interface Measured {
  readonly perSecond: number
  readonly cpu: number
  readonly databaseCpu: number
}

async function measure(server: Server, processes: number, count: number, delayMs: number): Promise<Measured> {
  const databaseUrl = await server.fresh()
  const end = await startSqsEnd({ kind: "stub", seed: "scale", count, delayMs, repeats: 0 })
  const env = { ...drainEnv(end, databaseUrl), PATH: process.env["PATH"] ?? "" }
  const [off] = contenders(undefined)
  const running: Running[] = []
  for (let started = 0; started < processes; started++) {
    const one = await off?.start(env)
    if (one !== undefined) running.push(one)
  }
  const now = (deleted: number) => ({
    deleted,
    ms: performance.now(),
    cpu: running.reduce((sum, { pid }) => sum + cpuSeconds(pid), 0),
    databaseCpu: familyCpuSeconds(server.postmaster),
  })
  try {
    const failed = running.map((one) => one.failed)
    const from = now(await Promise.race([end.deleted(0.25 * count), ...failed]))
    const to = now(await Promise.race([end.deleted(0.95 * count), ...failed]))
    const messages = to.deleted - from.deleted
    return {
      perSecond: (messages / (to.ms - from.ms)) * 1000,
      cpu: ((to.cpu - from.cpu) / messages) * 1e6,
      databaseCpu: ((to.databaseCpu - from.databaseCpu) / messages) * 1e6,
    }
  } finally {
    await Promise.all(running.map((one) => one.stop()))
    end.close()
  }
}
