import type { AddressInfo } from "node:net"

/** An SQS of our own in this process, spoken to over HTTP like the real one. */
export interface DemoQueue {
  readonly url: string
  readonly region: string
  send(bodies: readonly string[]): Promise<void>
  close(): Promise<void>
}

/** Entries of a batch call: an SQS quota. */
const ENTRIES = 10

export async function startDemoQueue(): Promise<DemoQueue> {
  const { buildApp } = await import("fauxqs")
  const server = buildApp({ logger: false, host: "127.0.0.1" })
  // Its own way to start would listen on every address of the machine.
  await server.listen({ port: 0, host: "127.0.0.1" })
  const { port } = server.server.address() as AddressInfo
  const endpoint = `http://127.0.0.1:${port}`

  async function call(action: string, input: object): Promise<void> {
    const headers = { "x-amz-target": `AmazonSQS.${action}`, "content-type": "application/x-amz-json-1.0" }
    const answer = await fetch(endpoint, { method: "POST", headers, body: JSON.stringify(input) })
    if (!answer.ok) throw new Error(`the embedded queue refused ${action}`)
  }

  const url = `${endpoint}/000000000000/logins`
  await call("CreateQueue", { QueueName: "logins" })
  return {
    url,
    region: "us-east-1",
    async send(bodies) {
      for (let at = 0; at < bodies.length; at += ENTRIES) {
        const entries = bodies.slice(at, at + ENTRIES).map((body, n) => ({ Id: `${n}`, MessageBody: body }))
        await call("SendMessageBatch", { QueueUrl: url, Entries: entries })
      }
    },
    close: async () => void (await server.close()),
  }
}
