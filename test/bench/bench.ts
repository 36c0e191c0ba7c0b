/**
 * Benchmarks. Run with: npm run bench -- [WHAT] [options]
 *
 *     compare    peppermill, a naive loop and sqs-consumer, side by side (the default)
 *     start      start-up
 *
 *     --json             one JSON object on standard output
 *     --rounds N         rounds, interleaved
 *     --messages N       messages of a run; slow contenders get a share of them
 *     --only NAME,NAME   off, vault, repeats, tui, naive, consumer, consumers
 *     --end stub|fauxqs  the SQS: ours, next to free; or fauxqs, realistic and slow
 *     --delay MS         the stub's latency, each way
 *     --against FILE     another build of peppermill, executable or bundle, as off-against, vault-against …
 *     --env NAME=VALUE   for peppermill, such as PEPPERMILL_QUEUE_POLLERS=16; may be repeated
 */
import { parseArgs } from "node:util"
import { compare } from "./compare.ts"
import { machine, machineText } from "./machine.ts"
import { comparedText, startUpText } from "./print.ts"
import { startServer } from "./server.ts"
import { measureStartUp } from "./start-up.ts"

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    rounds: { type: "string", default: "5" },
    messages: { type: "string" },
    only: { type: "string", default: "" },
    end: { type: "string", default: "stub" },
    delay: { type: "string", default: "0" },
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

const benches: Record<string, () => Promise<void>> = { compare: runCompare, start: runStart }
const bench = benches[what]
if (bench === undefined) throw new Error(`there is no benchmark ${what}: ${Object.keys(benches).join(", ")}`)
await bench()
