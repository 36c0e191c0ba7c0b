import { execFileSync } from "node:child_process"
import { type AddressInfo, createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { expect, test } from "vitest"
import { sqsReader } from "./sqs-reader.ts"
import type { Logged } from "./wire-log.ts"
import { createWire } from "./wire-proxy.ts"

const REQUEST = "POST / HTTP/1.1\r\nx-amz-target: AmazonSQS.DeleteMessageBatch\r\ncontent-length: 2\r\n\r\n{}"

test("what a process sent before it died is not taken for the next one's", async ({ onTestFinished }) => {
  const server = createServer((socket) => socket.resume().on("error", () => {}))
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  const log: Logged[] = []
  const wire = createWire({ queue: { host: "127.0.0.1", port, reader: sqsReader } }, log)
  onTestFinished(async () => {
    await wire.close()
    server.close()
  })
  await wire.begin(1, () => "pass")
  // Lives and dies while we are deaf, so that its connection waits to be let in.
  const life = `net.connect(process.argv[1], "127.0.0.1").end(process.argv[2], () => process.exit())`
  execFileSync(process.execPath, ["--eval", life, String(wire.port("queue")), REQUEST])
  await wire.begin(2, () => "pass")
  await sleep(50)
  expect(log.filter(({ run }) => run === 2)).toEqual([])
})
