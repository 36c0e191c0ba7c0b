import { randomUUID } from "node:crypto"
import {
  CreateQueueCommand,
  GetQueueAttributesCommand,
  type QueueAttributeName,
  SendMessageBatchCommand,
  SQSClient,
} from "@aws-sdk/client-sqs"
import { type Ended, MASK_KEY, peppermill } from "../binary.ts"
import type { TestDatabase } from "../database.ts"

export type Service = "sqs" | "secretsmanager" | "sns"

export interface Emulator {
  readonly name: string
  readonly services: readonly Service[]
  readonly endpoint: string
  /** Why it is not there. */
  readonly missing?: string
}

/** What scripts/emulators.mjs has started. */
export const emulators: readonly Emulator[] = JSON.parse(process.env["PEPPERMILL_EMULATORS"] ?? "[]")

const REGION = "us-east-1"

export const clientOptions = ({ endpoint }: Emulator) => ({
  endpoint,
  region: REGION,
  credentials: { accessKeyId: "test", secretAccessKey: "test" },
  // What is refused is looked at, not tried again.
  maxAttempts: 1,
})

export interface Queue {
  readonly url: string
  readonly arn: string
}

export interface Bench {
  readonly sqs: SQSClient
  queue(attributes?: Partial<Record<QueueAttributeName, string>>): Promise<Queue>
  send(queue: Queue, bodies: readonly string[]): Promise<void>
  /** [visible, held] as the queue counts them. */
  counts(queue: Queue): Promise<readonly [number, number]>
  batch(queue: Queue, database: TestDatabase, env?: Readonly<Record<string, string>>): Promise<Ended>
}

export function benchOf(emulator: Emulator): Bench {
  const sqs = new SQSClient(clientOptions(emulator))
  const attributesOf = async (url: string, ...AttributeNames: QueueAttributeName[]) => {
    const { Attributes = {} } = await sqs.send(
      new GetQueueAttributesCommand({ QueueUrl: url, AttributeNames }),
    )
    return Attributes
  }
  return {
    sqs,
    async queue(attributes = {}) {
      const QueueName = `test-${randomUUID()}`
      const { QueueUrl: url = "" } = await sqs.send(
        new CreateQueueCommand({ QueueName, Attributes: attributes }),
      )
      return { url, arn: (await attributesOf(url, "QueueArn")).QueueArn ?? "" }
    },
    async send(queue, bodies) {
      for (let at = 0; at < bodies.length; at += 10) {
        const Entries = bodies
          .slice(at, at + 10)
          .map((MessageBody, index) => ({ Id: `${index}`, MessageBody }))
        const { Failed = [] } = await sqs.send(new SendMessageBatchCommand({ QueueUrl: queue.url, Entries }))
        if (Failed.length > 0) throw new Error(`not sent: ${Failed.map(({ Code }) => Code).join()}`)
      }
    },
    async counts(queue) {
      const attributes = await attributesOf(
        queue.url,
        "ApproximateNumberOfMessages",
        "ApproximateNumberOfMessagesNotVisible",
      )
      return [
        Number(attributes.ApproximateNumberOfMessages),
        Number(attributes.ApproximateNumberOfMessagesNotVisible),
      ]
    },
    batch: (queue, database, env = {}) =>
      peppermill(["--batch", "--json"], {
        env: {
          AWS_ACCESS_KEY_ID: "test",
          AWS_SECRET_ACCESS_KEY: "test",
          PEPPERMILL_QUEUE_URL: queue.url,
          PEPPERMILL_QUEUE_ENDPOINT: emulator.endpoint,
          PEPPERMILL_QUEUE_REGION: REGION,
          PEPPERMILL_QUEUE_WAIT_SECONDS: "1",
          PEPPERMILL_QUEUE_POLLERS: "2",
          PEPPERMILL_DATABASE_URL: database.url,
          PEPPERMILL_MASK_KEY: MASK_KEY,
          ...env,
        },
      }),
  }
}
