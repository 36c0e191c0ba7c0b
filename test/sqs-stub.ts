import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"
import { createStubQueue, type Hostility, type StubQueue } from "./stub-queue.ts"

/** One request, as it came. */
export interface StubCall {
  /** `ReceiveMessage`, `DeleteMessageBatch` … */
  readonly operation: string
  // biome-ignore lint/suspicious/noExplicitAny: the tests look into what was sent
  readonly input: any
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
  readonly atMs: number
}

/** What goes back. `hang`: nothing, ever. `cut`: half an answer, then a closed socket. `reset`: a closed socket. */
export type StubAnswer =
  | { readonly json: unknown; readonly status?: number; readonly headers?: Record<string, string> }
  | { readonly text: string; readonly status?: number; readonly contentType?: string }
  | "hang"
  | "cut"
  | "reset"

export interface StubOptions extends Hostility {
  /** Answer in the queue's place. `undefined` lets the queue answer. */
  readonly script?: (
    call: StubCall,
    queue: StubQueue,
  ) => StubAnswer | undefined | Promise<StubAnswer | undefined>
  /** The queue's own attributes, over the usual ones. */
  readonly attributes?: Record<string, string>
  readonly tls?: { readonly key: string; readonly cert: string }
  /** How far the server's clock is ahead of ours, by its Date header. */
  readonly aheadMs?: number
  readonly name?: string
  readonly port?: number
  /** Off for measurements: a log of everything is not free. */
  readonly log?: boolean
}

const REGION = "us-east-1"

/** The error body and the header that AWS JSON 1.0 answers with. */
export function failure(code: string, status = 400, message = "told to fail", queryCode = code): StubAnswer {
  return {
    status,
    json: { __type: `com.amazonaws.sqs#${code}`, message },
    headers: { "x-amzn-query-error": `${queryCode};${status < 500 ? "Sender" : "Receiver"}` },
  }
}

/**
 * An SQS endpoint with one queue, over plain node:http: for faults that fauxqs
 * cannot play, and for measurements, where the server has to cost next to
 * nothing. `hostility` makes the queue bad by chance, `script` by plan.
 */
export async function startSqsStub(options: StubOptions = {}) {
  const queue = createStubQueue(options)
  const log: StubCall[] = []
  const open = new Set<ServerResponse>()

  async function answer(call: StubCall): Promise<StubAnswer> {
    const { input, operation } = call
    switch (operation) {
      case "ReceiveMessage": {
        const { MaxNumberOfMessages = 1, WaitTimeSeconds = 0, VisibilityTimeout = 30 } = input
        const messages = await queue.receive(MaxNumberOfMessages, WaitTimeSeconds, VisibilityTimeout)
        return { json: messages.length > 0 ? { Messages: messages } : {} }
      }
      case "DeleteMessageBatch":
        return { json: queue.deleteBatch(input.Entries) }
      case "ChangeMessageVisibilityBatch":
        return { json: queue.changeBatch(input.Entries) }
      case "GetQueueAttributes":
        return { json: { Attributes: attributes() } }
      case "SendMessageBatch": {
        const ids = queue.send(input.Entries.map((entry: { MessageBody: string }) => entry.MessageBody))
        return {
          json: { Successful: ids.map((id, index) => ({ Id: input.Entries[index].Id, MessageId: id })) },
        }
      }
      default:
        return failure("InvalidAction")
    }
  }

  function attributes(): Record<string, string> {
    const { visible, inFlight } = queue.counts()
    return {
      VisibilityTimeout: "30",
      MessageRetentionPeriod: "345600",
      ApproximateNumberOfMessages: `${visible}`,
      ApproximateNumberOfMessagesNotVisible: `${inFlight}`,
      ApproximateNumberOfMessagesDelayed: "0",
      ...options.attributes,
    }
  }

  async function serve(request: IncomingMessage, response: ServerResponse, body: string) {
    open.add(response)
    response.on("close", () => open.delete(response))
    const operation = String(request.headers["x-amz-target"]).replace("AmazonSQS.", "")
    const { method = "", url: path = "", headers } = request
    const call = { operation, input: JSON.parse(body), method, path, headers, body, atMs: Date.now() }
    if (options.log !== false) log.push(call)
    if (options.aheadMs !== undefined) {
      response.setHeader("date", new Date(Date.now() + options.aheadMs).toUTCString())
    }
    write(response, (await options.script?.(call, queue)) ?? (await answer(call)))
  }

  const listener = (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => {
      serve(request, response, Buffer.concat(chunks).toString()).catch((error: unknown) => {
        response.writeHead(500, { "content-type": "text/plain" }).end(String(error))
      })
    })
  }
  const server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener)
  // Longer than any test: a connection that the server closes for idleness is another test's subject.
  server.keepAliveTimeout = 120_000
  await new Promise<void>((resolve) => server.listen(options.port ?? 0, "127.0.0.1", resolve))

  const { port } = server.address() as AddressInfo
  const endpoint = `${options.tls ? "https" : "http"}://127.0.0.1:${port}`
  return {
    endpoint,
    url: `${endpoint}/000000000000/${options.name ?? "logins"}`,
    region: REGION,
    /** Everything that was asked, in order. */
    log,
    queue,
    send: queue.send,
    /** Requests that wait for an answer. */
    pending: () => open.size,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

export type SqsStub = Awaited<ReturnType<typeof startSqsStub>>

function write(response: ServerResponse, answer: StubAnswer) {
  if (answer === "hang") return
  if (answer === "reset") return response.socket?.destroy()
  if (answer === "cut") {
    response.writeHead(200, { "content-type": "application/x-amz-json-1.0", "content-length": "100" })
    response.write('{"Messages":[{"MessageId":')
    return setTimeout(() => response.socket?.destroy(), 20)
  }
  const [type, text, headers] =
    "text" in answer
      ? [answer.contentType ?? "text/html", answer.text, {}]
      : ["application/x-amz-json-1.0", JSON.stringify(answer.json), answer.headers ?? {}]
  const length = Buffer.byteLength(text)
  response.writeHead(answer.status ?? 200, { "content-type": type, "content-length": length, ...headers })
  return response.end(text)
}
