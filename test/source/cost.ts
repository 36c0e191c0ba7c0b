/**
 * What the SQS source costs: CPU of this process per message received and
 * deleted, ten at a time by 16 pollers, against a stub in another process.
 * Rounds are interleaved, because the machine's other work comes in waves.
 *
 *     node test/source/cost.ts [messages per round] [rounds] [lean,stock]
 */
import { spawn } from "node:child_process"
import { createHash, randomUUID } from "node:crypto"
import { once } from "node:events"
import { createInterface } from "node:readline"
import type { Source } from "../../src/source/source.ts"
import { createSqsSource } from "../../src/source/sqs.ts"
import { startSqsStub } from "../sqs-stub.ts"

const POLLERS = 16
const BODY =
  '{"user_id":"00000000-0000-4000-8000-000000000001","app_version":"2.3.0","device_type":"android","ip":"203.0.113.77","locale":"RU","device_id":"device-0001"}'

/** Answers every receive with the same ten messages, rendered once. */
async function serve(): Promise<void> {
  const contentType = "application/x-amz-json-1.0"
  const messages = Array.from({ length: 10 }, () => ({
    MessageId: randomUUID(),
    // As long as a receipt of SQS.
    ReceiptHandle: Buffer.from(randomUUID().repeat(6)).toString("base64"),
    MD5OfBody: createHash("md5").update(BODY).digest("hex"),
    Body: BODY,
    Attributes: { SentTimestamp: "1700000000000", ApproximateReceiveCount: "1" },
  }))
  const received = { text: JSON.stringify({ Messages: messages }), contentType }
  const deleted = {
    text: JSON.stringify({ Successful: messages.map((_, index) => ({ Id: `${index}` })), Failed: [] }),
    contentType,
  }
  const stub = await startSqsStub({
    log: false,
    script: ({ operation }) => (operation === "ReceiveMessage" ? received : deleted),
  })
  process.stdout.write(`${stub.url}\n`)
}

async function drain(source: Source, messages: number): Promise<void> {
  let left = messages
  async function poll() {
    while (left > 0) {
      left -= 10
      const { deliveries } = await source.receive(10, 10)
      const failed = await source.acknowledge(deliveries)
      if (deliveries.length !== 10 || failed.length > 0) throw new Error("not what the stub was to answer")
    }
  }
  await Promise.all(Array.from({ length: POLLERS }, poll))
}

async function measure(): Promise<void> {
  const [messages = "20000", rounds = "5", which = "lean,stock"] = process.argv.slice(2)
  const server = spawn(process.execPath, [import.meta.filename, "serve"], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const [queueUrl] = (await once(createInterface(server.stdout), "line")) as [string]
  const sources = await Promise.all(
    (which.split(",") as ("lean" | "stock")[]).map(async (transport) => {
      const credentials = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "secret" }
      const options = { queueUrl, region: "us-east-1", visibilitySeconds: 30, credentials, transport }
      const source = await createSqsSource({ ...options, onRetry: () => process.stderr.write("retry\n") })
      await drain(source, 5000)
      return { transport, source, cpu: [] as number[], rate: [] as number[] }
    }),
  )
  for (let round = 0; round < Number(rounds); round++) {
    for (const { source, cpu, rate } of sources) {
      const before = process.cpuUsage()
      const startMs = performance.now()
      await drain(source, Number(messages))
      const { user, system } = process.cpuUsage(before)
      cpu.push((user + system) / Number(messages))
      rate.push((Number(messages) / (performance.now() - startMs)) * 1000)
    }
  }
  const median = (values: number[]) =>
    values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] as number
  for (const { transport, source, cpu, rate } of sources) {
    const figures = `${median(cpu).toFixed(1)} µs/message (best ${Math.min(...cpu).toFixed(1)})`
    process.stdout.write(`${transport.padEnd(6)} ${figures}, ${median(rate).toFixed(0)} messages/s\n`)
    source.close()
  }
  server.kill()
}

await (process.argv[2] === "serve" ? serve() : measure())
