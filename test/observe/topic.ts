/**
 * A queue with a dead-letter queue, and an SNS topic with one subscriber, on one server.
 *
 *     const topic = await createTopic()
 *     … publish to topic.arn at topic.endpoint …
 *     expect(topic.heard()).toEqual([{ subject: …, message: …, attributes: … }])
 */
import { startFauxqs } from "fauxqs"

export interface Heard {
  readonly subject: string
  readonly message: Readonly<Record<string, unknown>>
  /** By name. */
  readonly attributes: Readonly<Record<string, string>>
}

const REGION = "us-east-1"

export async function createTopic({ subscribed = true, fifo = false } = {}) {
  const server = await startFauxqs({ port: 0, logger: false, defaultRegion: REGION })
  const suffix = fifo ? ".fifo" : ""
  const { topicArn } = server.createTopic(
    `alerts${suffix}`,
    fifo ? { attributes: { FifoTopic: "true" } } : {},
  )
  const heardBy = `heard${suffix}`
  server.createQueue(heardBy, { attributes: fifo ? { FifoQueue: "true" } : {} })
  if (subscribed) server.subscribe({ topic: `alerts${suffix}`, queue: heardBy })
  const dead = server.createQueue("logins-dead")
  const redrive = { deadLetterTargetArn: dead.queueArn, maxReceiveCount: 3 }
  server.createQueue("logins", {
    attributes: { VisibilityTimeout: "30", RedrivePolicy: JSON.stringify(redrive) },
  })
  const endpoint = `http://127.0.0.1:${server.port}`

  return {
    arn: topicArn,
    endpoint,
    region: REGION,
    url: `${endpoint}/000000000000/logins`,
    send: (bodies: readonly string[], queue: "logins" | "logins-dead" = "logins") => {
      for (const body of bodies) server.sendMessage(queue, body)
    },
    heard: (): readonly Heard[] => {
      const { ready = [], inflight = [] } = server.inspectQueue(heardBy)?.messages ?? {}
      return [...ready, ...inflight.map(({ message }) => message)].map(({ body }) => {
        const { Subject, Message, MessageAttributes } = JSON.parse(body)
        const attributes = Object.entries<{ Value: string }>(MessageAttributes)
        return {
          subject: Subject,
          message: JSON.parse(Message),
          attributes: Object.fromEntries(attributes.map(([name, { Value }]) => [name, Value])),
        }
      })
    },
    close: () => server.stop(),
  }
}
