import { generateX25519Identity, identityToRecipient } from "age-encryption"
import { createDecoder } from "../../src/decode/decode.ts"
import { drain } from "../../src/drain.ts"
import { createDrainControl } from "../../src/drain-control.ts"
import { createMask } from "../../src/mask/mask.ts"
import type { Sink } from "../../src/sink/sink.ts"
import type { Source } from "../../src/source/source.ts"
import { systemClock } from "../../src/time/clock.ts"
import { createVault } from "../../src/vault/vault.ts"
import { LOGIN } from "../shape.ts"
import { loginBody } from "./logins.ts"
import type { Memory, MemoryReport } from "./memory.ts"

const MB = 2 ** 20
const SAMPLES = 100
const KEY = { id: "k1", bytes: Uint8Array.from({ length: 32 }, (_, index) => index) }
/** How many different logins there are: the simulated queue must not be what grows. */
const DIFFERENT = 20_000

/**
 * The real drain, with the vault on, over a queue that makes up its messages and a
 * table that forgets them: what memory grows by is ours.
 *
 * @param recipient - An age public key.
 */
async function measureMemory(
  messages: number,
  recipient: string,
  tell: (words: string) => void,
): Promise<Memory> {
  const control = createDrainControl()
  const vault = createVault({ recipients: [recipient], shape: LOGIN, storeDataKey: async () => {} })
  const limits = {
    ...{ pollers: 32, waitSeconds: 1, visibilitySeconds: 60, rows: 500, lingerMs: 100, inFlight: 4 },
    ...{ emptyPolls: 3, timeoutSeconds: 1, follow: true, maxMessages: messages, maxSeconds: null },
  }
  const events = drain(
    {
      source: simulatedQueue(),
      sink: forgetfulTable(),
      shape: LOGIN,
      decode: createDecoder(LOGIN),
      mask: createMask(KEY, LOGIN),
      vault,
      clock: systemClock,
      limits,
      onSourceRetry: () => {},
    },
    control,
  )
  const samples: { messages: number; residentMb: number }[] = []
  let stored = 0
  for await (const event of events) {
    if (event.type !== "stored") continue
    stored += event.stored
    if (stored < (messages / SAMPLES) * (samples.length + 1)) continue
    samples.push({ messages: stored, residentMb: process.memoryUsage.rss() / MB })
    if (samples.length % 10 === 0) tell(`${stored} messages, ${samples.at(-1)?.residentMb.toFixed(0)} MB`)
  }
  const { maxRSS } = process.resourceUsage()
  return {
    messages: stored,
    peakMb: maxRSS / 1024,
    mbPerMillion: slope(samples.slice(Math.floor(samples.length / 2))) * 1e6,
    samples,
  }
}

function slope(samples: Memory["samples"]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [x, y] = [
    mean(samples.map(({ messages }) => messages)),
    mean(samples.map(({ residentMb }) => residentMb)),
  ]
  const over = samples.reduce((sum, one) => sum + (one.messages - x) * (one.residentMb - y), 0)
  return over / samples.reduce((sum, one) => sum + (one.messages - x) ** 2, 0)
}

function simulatedQueue(): Source {
  const bodies = Array.from({ length: DIFFERENT }, (_, index) => loginBody("memory", index, 0))
  let sent = 0
  return {
    async receive(max) {
      // As an answer from the network would come: after everything that is ready to run.
      await new Promise<void>((resolve) => setImmediate(resolve))
      const deliveries = Array.from({ length: max }, () => {
        const id = `00000000-0000-4000-8000-${(++sent).toString(16).padStart(12, "0")}`
        // A new person each time, or the vault would have nothing to seal.
        const body = (bodies[sent % DIFFERENT] as string).replace(
          '"user_id":"',
          `"user_id":"${sent.toString(36)}-`,
        )
        return { id, body, sentAtMs: Date.now(), receiveCount: 1, receipt: `${sent}`.padEnd(300, "r") }
      })
      return { deliveries, damaged: 0 }
    },
    acknowledge: async () => [],
    extend: async () => [],
    counts: async () => ({ visible: 1, inFlight: 0, delayed: 0 }),
    facts: () => Promise.reject(new Error("nobody asks")),
    close() {},
  }
}

function forgetfulTable(): Sink {
  return {
    check: async () => {},
    async write({ rows, rejects }) {
      await new Promise<void>((resolve) => setImmediate(resolve))
      const originals = rows.reduce((sum, row) => sum + row.originals.length, 0)
      const counts = { stored: rows.length, quarantined: rejects.length, duplicates: 0, originals }
      return { ...counts, erasures: 0, refused: [] }
    },
    close: async () => {},
  }
}

const report = (words: MemoryReport) => process.send?.(words)

process.once("message", async (messages: number) => {
  const recipient = await identityToRecipient(await generateX25519Identity())
  report({ memory: await measureMemory(messages, recipient, (progress) => report({ progress })) })
  process.disconnect?.()
})
