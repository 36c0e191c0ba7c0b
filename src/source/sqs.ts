import { UserError } from "../errors.ts"
import { type Clock, systemClock } from "../time/clock.ts"
import type { Source, SourceRetry } from "./source.ts"
import { readCounts, readFacts, readReceived } from "./sqs-answer.ts"
import { createSettleBatch } from "./sqs-batch.ts"
import { createSqsClient, type SqsClientOptions } from "./sqs-client.ts"
import { createPersist } from "./sqs-retry.ts"

export interface SqsSourceOptions extends Pick<SqsClientOptions, "region" | "credentials" | "ca"> {
  readonly queueUrl: string
  /** Default: scheme, host and port of `queueUrl`. */
  readonly endpoint?: string | undefined
  /** Said with every receive: the queue's own setting has no say. */
  readonly visibilitySeconds: number
  readonly onRetry: (retry: SourceRetry) => void
  /** How long a call that keeps failing is tried again. Default 30 s. */
  readonly giveUpMs?: number
  /** `stock` is the SDK as it comes, at five times the CPU. Default `lean`. */
  readonly transport?: SqsClientOptions["transport"]
  readonly clock?: Clock
}

const CALL_MS = 10_000
/** Beyond the wait itself, for the answer to a long poll. */
const POLL_GRACE_MS = 7000
/** Somebody waits for the facts, at the start of a run. */
const FACTS_GIVE_UP_MS = 3000

/**
 * The source that speaks to Amazon SQS.
 *
 * Any number of calls may run side by side; every one has a connection of its
 * own. A call that hangs is given up after 10 s, a receive 7 s after its wait.
 *
 * @throws UserError of kind `config` if a url is none.
 */
export async function createSqsSource(options: SqsSourceOptions): Promise<Source> {
  const { queueUrl, visibilitySeconds, clock = systemClock, giveUpMs = 30_000, onRetry } = options
  const QueueUrl = queueUrl
  const { origin, pathname } = parseUrl("queue.url", queueUrl)
  // The name alone is enough to know a queue by, and does not tell its account.
  const queue = pathname.split("/").at(-1) ?? ""
  let closed = false
  const persist = createPersist({ queue, clock, onRetry, isClosed: () => closed })
  const settleBatch = createSettleBatch({ persist, giveUpMs, clock, onRetry })
  const client = await createSqsClient({
    ...options,
    endpoint: parseUrl("queue.endpoint", options.endpoint ?? origin).href,
    transport: options.transport ?? "lean",
  })

  return {
    receive(max, waitSeconds) {
      const input = {
        QueueUrl,
        MessageSystemAttributeNames: ["SentTimestamp" as const, "ApproximateReceiveCount" as const],
        MaxNumberOfMessages: max,
        VisibilityTimeout: visibilitySeconds,
        WaitTimeSeconds: waitSeconds,
      }
      const timeoutMs = waitSeconds * 1000 + POLL_GRACE_MS
      return persist("receive", giveUpMs, async () =>
        readReceived(await client.receive(input, timeoutMs), clock.now()),
      )
    },

    acknowledge: (deliveries) =>
      settleBatch("delete", deliveries, (Entries) => client.deleteBatch({ QueueUrl, Entries }, CALL_MS)),

    extend: (deliveries, seconds) =>
      settleBatch("extend", deliveries, (entries) => {
        const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: seconds }))
        return client.changeBatch({ QueueUrl, Entries }, CALL_MS)
      }),

    counts() {
      const AttributeNames = [
        "ApproximateNumberOfMessages" as const,
        "ApproximateNumberOfMessagesNotVisible" as const,
        "ApproximateNumberOfMessagesDelayed" as const,
      ]
      return persist("attributes", giveUpMs, async () =>
        readCounts(await client.attributes({ QueueUrl, AttributeNames }, CALL_MS)),
      )
    },

    facts: () =>
      persist("attributes", Math.min(giveUpMs, FACTS_GIVE_UP_MS), async () =>
        // Not one by one: a standard queue refuses to be asked for FifoQueue.
        readFacts(await client.attributes({ QueueUrl, AttributeNames: ["All"] }, CALL_MS), queueUrl),
      ),

    close() {
      closed = true
      client.close()
    },
  }
}

function parseUrl(key: string, text: string): URL {
  const url = URL.parse(text)
  // Node's own error would repeat the text, and a url may hold a password.
  if (url === null) throw new UserError("config", `${key} is not a url`)
  return url
}
