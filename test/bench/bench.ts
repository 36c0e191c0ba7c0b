/**
 * Benchmarks. Run with: npm run bench -- [WHAT] [options]
 *
 *     compare    peppermill, a naive loop and sqs-consumer, side by side (the default)
 *     start      start-up
 *     memory     the real drain over a simulated queue and a table that forgets: 10,000,000 messages
 *     table      a partitioned table of 10,000,000 rows: inserts and look-ups
 *     scale      one, two and four processes on one queue
 *     plan       on paper: workers, cost and lag for --rate N events a second
 *
 *     --json             one JSON object on standard output
 *     --rounds N         rounds, interleaved
 *     --messages N       messages of a run; slow contenders get a share of them
 *     --only NAME,NAME   off, vault, repeats, tui, naive, consumer, consumers
 *     --end stub|fauxqs  the SQS: ours, next to free; or fauxqs, realistic and slow
 *     --delay MS         the stub's latency, each way
 *     --against FILE     another build of peppermill, executable or bundle, as off-against, vault-against …
 *     --partitioned BY   table: month, week or day
 *     --rate N           plan: events a second; with --cpu and --database-cpu in µs, --round-trip in ms
 *     --env NAME=VALUE   for peppermill, such as PEPPERMILL_QUEUE_POLLERS=16; may be repeated
 */
import { parseArgs } from "node:util"
import type { PartitionWidth } from "../../src/sink/partitions.ts"
import { compare } from "./compare.ts"
import { machine, machineText } from "./machine.ts"
import { startMemory } from "./memory.ts"
import { type Assumptions, PRICE, plan } from "./plan.ts"
import { comparedText, planText, scaledText, startUpText, storageText } from "./print.ts"
import { measureScale } from "./scale.ts"
import { startServer } from "./server.ts"
import { measureStartUp } from "./start-up.ts"
import { measureStorage } from "./storage.ts"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    messages: { type: "string" },
    rate: { type: "string", default: "100000" },
    cpu: { type: "string", default: "60" },
    "database-cpu": { type: "string", default: "40" },
    "round-trip": { type: "string", default: "20" },
    only: { type: "string", default: "" },
    end: { type: "string", default: "stub" },
    delay: { type: "string", default: "0" },
    partitioned: { type: "string", default: "month" },
    against: { type: "string" },
    env: { type: "string", multiple: true, default: [] },
  },
})
const [what = "compare"] = positionals
const rounds = Number(values.rounds)
const say = (words: string) => process.stderr.write(`bench: ${words}\n`)

function answer(result: object, text: string): void {
  process.stdout.write(values.json ? `${JSON.stringify({ schema: 1, what, ...result })}\n` : text)
}

async function runCompare(): Promise<void> {
  const server = await startServer()
  try {
    const on = machine(server)
    say(machineText(on))
    const kind = values.end === "fauxqs" ? "fauxqs" : "stub"
    const options = {
      kind,
      rounds,
      delayMs: Number(values.delay),
      // fauxqs slows with its backlog.
      messages: Number(values.messages ?? (kind === "stub" ? 100_000 : 20_000)),
      against: values.against,
      only: values.only.split(",").filter((name) => name !== ""),
      env: Object.fromEntries(values.env.map((pair) => pair.split(/=(.*)/s).slice(0, 2))),
    } as const
    const results = await compare(server, options, say)
    const ran = `${options.messages} messages, ${rounds} rounds, SQS: ${kind}, ${options.delayMs} ms each way; median (lowest to highest)`
    answer({ machine: on, options, results }, `${machineText(on)}\n${ran}\n\n${comparedText(results)}`)
  } finally {
    await server.close()
  }
}

async function runStart(): Promise<void> {
  const results = await measureStartUp(rounds)
  answer({ machine: machine(), results }, `${machineText(machine())}\n\n${startUpText(results)}`)
}

async function runMemory(): Promise<void> {
  const result = await startMemory(Number(values.messages ?? 10_000_000), say)
  const { messages, peakMb, mbPerMillion } = result
  const text = `${messages} messages: ${peakMb.toFixed(0)} MB at most, growth over the second half ${mbPerMillion.toFixed(2)} MB per million`
  answer({ machine: machine(), result }, `${machineText(machine())}\n\n${text}\n`)
}

async function runTable(): Promise<void> {
  // A quarter of a small server's memory, as PostgreSQL's manual has it: its default of 128 MB does not hold a month's indexes.
  const server = await startServer({ shared_buffers: "2GB" })
  try {
    const width = values.partitioned as PartitionWidth
    const result = await measureStorage(
      server,
      { rows: Number(values.messages ?? 10_000_000), width, rounds },
      say,
    )
    const on = machine(server)
    answer({ machine: on, result }, `${machineText(on)}\n\n${storageText(result)}`)
  } finally {
    await server.close()
  }
}

async function runScale(): Promise<void> {
  const server = await startServer()
  try {
    const options = { messages: Number(values.messages ?? 100_000), rounds, delayMs: Number(values.delay) }
    const results = await measureScale(server, options, say)
    const on = machine(server)
    answer({ machine: on, options, results }, `${machineText(on)}\n\n${scaledText(results)}`)
  } finally {
    await server.close()
  }
}

async function runPlan(): Promise<void> {
  const assumed: Assumptions = {
    roundTripMs: Number(values["round-trip"]),
    commitMs: 30,
    lingerMs: 100,
    cpu: Number(values.cpu),
    databaseCpu: Number(values["database-cpu"]),
    utilisation: 0.8,
    pollers: 32,
    messagesInHand: 2500,
  }
  const rate = Number(values.rate)
  const results = plan(rate, assumed)
  const said = `${rate} events a second; assumed: ${JSON.stringify(assumed)}, $${PRICE} per million requests`
  answer({ rate, assumed, price: PRICE, results }, `${said}\n\n${planText(results)}`)
}

const benches: Record<string, () => Promise<void>> = {
  compare: runCompare,
  start: runStart,
  memory: runMemory,
  table: runTable,
  scale: runScale,
  plan: runPlan,
}
const bench = benches[what]
if (bench === undefined) throw new Error(`there is no benchmark ${what}: ${Object.keys(benches).join(", ")}`)
await bench()
// The drain's clock may sleep for a heartbeat yet.
process.exit()
