import { Agent as HttpAgent } from "node:http"
import { Agent as HttpsAgent } from "node:https"
import type { SNSClient } from "@aws-sdk/client-sns"
import type { Topic } from "../config/topic-arn.ts"
import type { Alert } from "./alert.ts"
import type { SendAlert } from "./alerts.ts"

export interface SnsOptions {
  readonly topic: Topic
  /** null: Amazon's own endpoint of the region. */
  readonly endpoint: string | null
  readonly about: { readonly service: string; readonly queue: string | null; readonly run: string }
}

/** For one alert, retries and the search for credentials included. */
const SEND_MS = 10_000
const ATTEMPTS = 3
/** SNS: a subject is shorter than 100 characters, ASCII, in one line. */
const MAX_SUBJECT = 99

/**
 * Sends alerts to an SNS topic, asking nobody but the configured endpoint.
 *
 * The message is JSON that a person can read as well; kind, state, service and
 * queue are message attributes too, for the filter policies of subscriptions.
 */
export function createSnsSender(options: SnsOptions): SendAlert {
  const { topic, about } = options
  let client: Promise<SNSClient> | undefined

  return async (alert) => {
    // Loaded only now: most runs have nothing to tell.
    const { PublishCommand } = await import("@aws-sdk/client-sns")
    client ??= openSnsClient(options)
    const { kind, state } = alert
    const { service, queue } = about
    const attributes = { kind, state, service, ...(queue !== null && { queue }) }
    const command = new PublishCommand({
      TopicArn: topic.arn,
      Subject: subjectOf(alert, about),
      Message: JSON.stringify({ schema: 1, time: new Date().toISOString(), ...about, ...alert }, null, 2),
      MessageAttributes: Object.fromEntries(
        Object.entries(attributes).map(([name, StringValue]) => [name, { DataType: "String", StringValue }]),
      ),
      // Of one group, so that a topic that keeps the order tells alarm and end in theirs.
      ...(topic.fifo && {
        MessageGroupId: `${service}-${queue ?? "none"}`,
        MessageDeduplicationId: crypto.randomUUID(),
      }),
    })
    await withinTime(await client, (client, abortSignal) => client.send(command, { abortSignal }))
  }
}

/** What a topic says of itself: how many would hear an alert. Nothing is published. */
export async function countSubscriptions(options: Omit<SnsOptions, "about">): Promise<number> {
  const { GetTopicAttributesCommand } = await import("@aws-sdk/client-sns")
  const command = new GetTopicAttributesCommand({ TopicArn: options.topic.arn })
  const { Attributes } = await withinTime(await openSnsClient(options), (client, abortSignal) =>
    client.send(command, { abortSignal }),
  )
  return Number(Attributes?.["SubscriptionsConfirmed"] ?? 0)
}

export function subjectOf(
  { kind, state }: Pick<Alert, "kind" | "state">,
  { service, queue }: Pick<SnsOptions["about"], "service" | "queue">,
): string {
  const subject = `${service}: ${kind} ${state}${queue === null ? "" : ` (${queue})`}`
  return subject.replace(/[^\x20-\x7e]/g, "?").slice(0, MAX_SUBJECT)
}

async function openSnsClient({ topic, endpoint }: Omit<SnsOptions, "about">): Promise<SNSClient> {
  const { SNSClient } = await import("@aws-sdk/client-sns")
  const silent = () => undefined
  return new SNSClient({
    region: topic.region,
    ...(endpoint !== null && { endpoint }),
    ignoreConfiguredEndpointUrls: true,
    useFipsEndpoint: false,
    useDualstackEndpoint: false,
    maxAttempts: ATTEMPTS,
    retryMode: "standard",
    // The SDK warns on the console, which belongs to the terminal UI.
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
    requestHandler: {
      connectionTimeout: SEND_MS / ATTEMPTS,
      requestTimeout: SEND_MS / ATTEMPTS,
      // Otherwise a request that takes too long is only warned about.
      throwOnRequestTimeout: true,
      httpAgent: new HttpAgent({ keepAlive: false }),
      // Said aloud, because NODE_TLS_REJECT_UNAUTHORIZED=0 changes the default.
      httpsAgent: new HttpsAgent({ keepAlive: false, rejectUnauthorized: true }),
    },
  })
}

/** The signal alone does not reach the search for credentials. */
async function withinTime<T>(
  client: SNSClient,
  call: (client: SNSClient, signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), SEND_MS)
  const outOfTime = new Promise<never>((_, reject) => {
    late.signal.addEventListener("abort", () => reject(new DOMException("", "TimeoutError")))
  })
  try {
    return await Promise.race([call(client, late.signal), outOfTime])
  } finally {
    clearTimeout(timer)
  }
}
