import { Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent } from "node:https"
import type {
  GetQueueAttributesCommandInput as AttributesInput,
  GetQueueAttributesCommandOutput as AttributesOutput,
  ChangeMessageVisibilityBatchCommandInput as ChangeInput,
  ChangeMessageVisibilityBatchCommandOutput as ChangeOutput,
  DeleteMessageBatchCommandInput as DeleteInput,
  DeleteMessageBatchCommandOutput as DeleteOutput,
  ReceiveMessageCommandInput as ReceiveInput,
  ReceiveMessageCommandOutput as ReceiveOutput,
  SQSClient,
  SQSClientConfig,
} from "@aws-sdk/client-sqs"
import { CONNECT_MS, PRODUCT, type SqsTransport, withinTime } from "./sqs-call.ts"
import { installLeanTransport } from "./sqs-transport.ts"

export interface SqsClientOptions {
  readonly region: string
  /** Where every request goes, whatever the environment or a queue's url says. */
  readonly endpoint: string
  /** `stock`: the SDK's own HTTP handler, signer and middleware. */
  readonly transport: "lean" | "stock"
  /** Default: the SDK's chain (environment, profile, web identity, container, instance). */
  readonly credentials?: SQSClientConfig["credentials"]
  /** Certificate authorities to trust instead of the usual ones: PEM. */
  readonly ca?: string | undefined
}

/** The calls a drain makes. Each is one attempt, and settles within `timeoutMs`. */
export interface SqsClient {
  receive(input: ReceiveInput, timeoutMs: number): Promise<ReceiveOutput>
  deleteBatch(input: DeleteInput, timeoutMs: number): Promise<DeleteOutput>
  changeBatch(input: ChangeInput, timeoutMs: number): Promise<ChangeOutput>
  attributes(input: AttributesInput, timeoutMs: number): Promise<AttributesOutput>
  close(): void
}

const SILENT = { trace() {}, debug() {}, info() {}, warn() {}, error() {} }

/** Loads the AWS SDK only when called: a command that needs no queue starts without it. */
export async function createSqsClient(options: SqsClientOptions): Promise<SqsClient> {
  const sdk = await import("@aws-sdk/client-sqs")
  const client = new sdk.SQSClient(configure(options))
  const { attempt, close } =
    options.transport === "lean" ? await installLeanTransport(client, options) : stockTransport(client)
  return {
    receive: (input, timeoutMs) =>
      attempt(input, timeoutMs, (o) => client.send(new sdk.ReceiveMessageCommand(input), o)),
    deleteBatch: (input, timeoutMs) =>
      attempt(input, timeoutMs, (o) => client.send(new sdk.DeleteMessageBatchCommand(input), o)),
    changeBatch: (input, timeoutMs) =>
      attempt(input, timeoutMs, (o) => client.send(new sdk.ChangeMessageVisibilityBatchCommand(input), o)),
    attributes: (input, timeoutMs) =>
      attempt(input, timeoutMs, (o) => client.send(new sdk.GetQueueAttributesCommand(input), o)),
    close,
  }
}

function configure({ region, endpoint, credentials, ca }: SqsClientOptions): SQSClientConfig {
  // As many sockets as there are callers: a delete must not wait for a long poll to end.
  const agent = { keepAlive: true, maxSockets: Number.POSITIVE_INFINITY }
  const tls = { rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) }
  return {
    region,
    endpoint,
    useQueueUrlAsEndpoint: false,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    ...(credentials === undefined ? {} : { credentials }),
    // We try again ourselves, and say so; and check each body's MD5, where the SDK throws a whole receive away.
    maxAttempts: 1,
    retryMode: "standard",
    md5: false,
    cacheMiddleware: true,
    customUserAgent: PRODUCT,
    // Without one, the SDK writes its warnings to the console.
    logger: SILENT,
    requestHandler: {
      connectionTimeout: CONNECT_MS,
      httpAgent: new HttpAgent(agent),
      httpsAgent: new HttpsAgent({ ...agent, ...tls }),
      logger: SILENT,
    },
  }
}

function stockTransport(client: SQSClient): SqsTransport {
  return {
    attempt: (_input, timeoutMs, send) =>
      withinTime(timeoutMs, (attempt) => {
        const aborter = new AbortController()
        attempt.onGiveUp = (reason) => aborter.abort(reason)
        return send({ abortSignal: aborter.signal })
      }),
    close: () => client.destroy(),
  }
}
