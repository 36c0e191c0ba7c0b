/**
 * A queue of your own for a test: fauxqs in this process, over real HTTP.
 *
 *     const queue = await createQueue({ maxReceiveCount: 3 })
 *     queue.send(["{}", "not json"])
 *     … drain queue.url at queue.endpoint, region queue.region, any credentials …
 *     expect(queue.inspect()).toEqual({ ready: [], delayed: [], inFlight: [] })
 *     await queue.close()
 *
 * What fauxqs 2.4.1 does unlike SQS, so do not test it here but with
 * `sqs-stub.ts`: a delete with any receipt at all is answered as done; a FIFO
 * queue gives one message of a group at a time; bodies with characters beyond
 * the BMP are refused; nothing ever comes twice, comes damaged, is throttled or
 * refused. It listens on all interfaces.
 */
import { startFauxqs } from "fauxqs"

export interface QueueOptions {
  /** The queue's own visibility timeout; a receive may say another. Default 30. */
  readonly visibilitySeconds?: number
  /** With it the queue gets a dead-letter queue. */
  readonly maxReceiveCount?: number
  readonly fifo?: boolean
  /** Further attributes of the queue, by SQS's names. */
  readonly attributes?: Record<string, string>
}

/** What a message looks like from behind the counter. */
export interface Inside {
  readonly id: string
  readonly body: string
  readonly receiveCount: number
}

/** All messages of a queue, whoever may see them. */
export interface Contents {
  readonly ready: readonly Inside[]
  readonly delayed: readonly Inside[]
  readonly inFlight: readonly Inside[]
}

export interface TestQueue {
  readonly endpoint: string
  readonly url: string
  readonly region: string
  readonly name: string
  readonly arn: string
  /** @returns The message ids. */
  send(bodies: readonly string[], options?: { readonly delaySeconds?: number }): string[]
  inspect(): Contents
  /** The dead-letter queue's contents. */
  deadLetters(): Contents
  /** The queue goes away, the server stays: what comes next is QueueDoesNotExist. */
  remove(): void
  close(): Promise<void>
}

type Server = Awaited<ReturnType<typeof startFauxqs>>
type Message = NonNullable<ReturnType<Server["inspectQueue"]>>["messages"]["ready"][number]

const REGION = "us-east-1"

export async function createQueue(options: QueueOptions = {}): Promise<TestQueue> {
  const server = await startFauxqs({ port: 0, logger: false, defaultRegion: REGION })
  const suffix = options.fifo ? ".fifo" : ""
  const name = `logins${suffix}`
  const deadName = `logins-dead${suffix}`
  const attributes: Record<string, string> = {
    VisibilityTimeout: `${options.visibilitySeconds ?? 30}`,
    ...(options.fifo ? { FifoQueue: "true", ContentBasedDeduplication: "true" } : {}),
    ...options.attributes,
  }
  const dead = server.createQueue(deadName, { attributes: options.fifo ? { FifoQueue: "true" } : {} })
  if (options.maxReceiveCount !== undefined) {
    const policy = { deadLetterTargetArn: dead.queueArn, maxReceiveCount: options.maxReceiveCount }
    attributes["RedrivePolicy"] = JSON.stringify(policy)
  }
  const { queueArn } = server.createQueue(name, { attributes })
  // Not the url that fauxqs makes up: its host is a name that not every resolver knows.
  const endpoint = `http://127.0.0.1:${server.port}`

  return {
    endpoint,
    url: `${endpoint}/000000000000/${name}`,
    region: REGION,
    name,
    arn: queueArn,
    send: (bodies, { delaySeconds } = {}) =>
      bodies.map((body) => {
        const group = options.fifo ? { messageGroupId: "logins" } : {}
        const delay = delaySeconds === undefined ? {} : { delaySeconds }
        return server.sendMessage(name, body, { ...group, ...delay }).messageId
      }),
    inspect: () => contents(server, name),
    deadLetters: () => contents(server, deadName),
    remove: () => server.deleteQueue(name),
    close: () => server.stop(),
  }
}

function contents(server: Server, name: string): Contents {
  const messages = server.inspectQueue(name)?.messages ?? { ready: [], delayed: [], inflight: [] }
  const inside = ({ messageId, body, approximateReceiveCount }: Message): Inside => ({
    id: messageId,
    body,
    receiveCount: approximateReceiveCount,
  })
  return {
    ready: messages.ready.map(inside),
    delayed: messages.delayed.map(inside),
    inFlight: messages.inflight.map(({ message }) => inside(message)),
  }
}
