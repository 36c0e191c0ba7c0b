/**
 * One end of the benchmark: an SQS with `count` logins in its queue, in a process
 * of its own, so that its work counts for nobody. `sqs-end.ts` starts it.
 *
 * The stub hands out each message once, from answers prepared beforehand, and
 * keeps nothing: what is measured is the client. fauxqs behaves as SQS does.
 */
import { createHash, randomUUID } from "node:crypto"
import { setTimeout as sleep } from "node:timers/promises"
import { createQueue } from "../queue.ts"
import { serveBareHttp } from "./bare-http.ts"
import { loginBody } from "./logins.ts"
import type { EndOptions, EndReport } from "./sqs-end.ts"

/** How often the benchmark is told, while its queue is drained once. */
const REPORTS = 200
/** fauxqs does not tell of a delete, so it is asked. */
const ASK_EVERY_MS = 25

const tell = (report: EndReport) => process.send?.(report)

/** As long as SQS's, which are some 300 characters. */
const receipt = () => Buffer.from(randomUUID().repeat(6)).toString("base64")

async function startStub({ seed, count, repeats, delayMs }: EndOptions) {
  const sentAt = `${Date.now()}`
  const messages = Array.from({ length: count }, (_, index) => {
    const Body = loginBody(seed, index, repeats)
    return JSON.stringify({
      MessageId: randomUUID(),
      ReceiptHandle: receipt(),
      MD5OfBody: createHash("md5").update(Body).digest("hex"),
      Body,
      Attributes: { SentTimestamp: sentAt, ApproximateReceiveCount: "1" },
    })
  })
  const settled = Array.from({ length: 11 }, (_, entries) => {
    const Successful = Array.from({ length: entries }, (_, index) => ({ Id: `${index}` }))
    return JSON.stringify({ Successful, Failed: [] })
  })
  let next = 0
  let deleted = 0
  let toldAt = 0

  function remove(amount: number): void {
    deleted += amount
    if (deleted - toldAt < count / REPORTS && deleted < count) return
    toldAt = deleted
    tell({ deleted })
  }

  function answer(operation: string, body: string): string | Promise<string> {
    const input = JSON.parse(body)
    switch (operation) {
      case "ReceiveMessage": {
        const { MaxNumberOfMessages: most = 1, WaitTimeSeconds = 0 } = input
        const some = messages.slice(next, next + most)
        next += some.length
        return some.length > 0 ? `{"Messages":[${some.join(",")}]}` : sleep(WaitTimeSeconds * 1000, "{}")
      }
      case "DeleteMessageBatch": {
        remove(input.Entries.length)
        // sqs-consumer names its entries by message id, we by number.
        return /^\d$/.test(input.Entries[0].Id)
          ? (settled[input.Entries.length] as string)
          : JSON.stringify({ Successful: input.Entries.map(({ Id }: { Id: string }) => ({ Id })) })
      }
      case "DeleteMessage":
        remove(1)
        return "{}"
      case "ChangeMessageVisibilityBatch":
        return settled[input.Entries.length] as string
      default: {
        const waiting = { ApproximateNumberOfMessages: `${count - next}` }
        const others = { ApproximateNumberOfMessagesNotVisible: "0", ApproximateNumberOfMessagesDelayed: "0" }
        return JSON.stringify({ Attributes: { ...waiting, ...others, VisibilityTimeout: "30" } })
      }
    }
  }

  const late = async (operation: string, body: string) => {
    await sleep(2 * delayMs)
    return await answer(operation, body)
  }
  const endpoint = await serveBareHttp(delayMs > 0 ? late : answer)
  return { endpoint, url: `${endpoint}/000000000000/logins`, region: "us-east-1" }
}

async function startFauxqs({ seed, count, repeats }: EndOptions) {
  const queue = await createQueue()
  queue.send(Array.from({ length: count }, (_, index) => loginBody(seed, index, repeats)))
  setInterval(() => {
    const { ready, inFlight } = queue.inspect()
    tell({ deleted: count - ready.length - inFlight.length })
  }, ASK_EVERY_MS)
  return queue
}

process.once("message", async (options: EndOptions) => {
  const { url, endpoint, region } = await (options.kind === "stub"
    ? startStub(options)
    : startFauxqs(options))
  tell({ url, endpoint, region })
})
process.once("disconnect", () => process.exit())
