import type { BatchResultErrorEntry } from "@aws-sdk/client-sqs"
import { type Clock, systemClock } from "../time/clock.ts"
import { backoffMs } from "../time/retry.ts"
import { atOnce, chunksOf } from "./at-once.ts"
import type { Delivery, Source, SourceRetry } from "./source.ts"
import { readCounts, readFacts, readReceived } from "./sqs-answer.ts"
import { createSqsClient, type SqsClientOptions } from "./sqs-client.ts"
import { createPersist } from "./sqs-retry.ts"

export interface SqsSourceOptions extends Pick<SqsClientOptions, "region" | "credentials" | "ca"> {
  readonly queueUrl: string
  /** Default: scheme, host and port of `queueUrl`. */
  readonly endpoint?: string | undefined
  /** Said with every receive: the queue's own setting has no say. */
  readonly visibilitySeconds: number
  readonly onRetry: (retry: SourceRetry) => void
  /** How long a call that fails is tried again. Default 30 s. */
  readonly giveUpMs?: number
  /** `stock` is the SDK as it comes, at five times the CPU. Default `lean`. */
  readonly transport?: SqsClientOptions["transport"]
  readonly clock?: Clock
}

/** Entries of a batch call: an SQS quota. */
const ENTRIES = 10
/** Batch calls under way at one time, for one `acknowledge` or `extend`. */
const CALLS_AT_ONCE = 16
/** How often a single entry that failed by no fault of ours is tried. */
const ENTRY_ATTEMPTS = 5
const ENTRY_BACKOFF = { baseMs: 200, capMs: 2000 }

const CALL_MS = 10_000
/** Beyond the wait itself, for an answer to a long poll. */
const POLL_GRACE_MS = 7000
/** Somebody waits for the answer at the start of a run. */
const FACTS_GIVE_UP_MS = 3000

/**
 * The source that speaks to Amazon SQS.
 *
 * Any number of calls may run side by side; every one has a connection of its
 * own. A call that hangs is given up after 10 s, a receive 7 s after its wait.
 */
export async function createSqsSource(options: SqsSourceOptions): Promise<Source> {
  const { queueUrl, visibilitySeconds, clock = systemClock, giveUpMs = 30_000, onRetry } = options
  const QueueUrl = queueUrl
  const queue = nameOf(queueUrl)
  let closed = false
  const persist = createPersist({ queue, clock, onRetry, isClosed: () => closed })
  const client = await createSqsClient({
    ...options,
    endpoint: options.endpoint ?? new URL(queueUrl).origin,
    transport: options.transport ?? "lean",
  })

  /** Settle deliveries ten by ten. @returns Those that could not be. */
  async function settle(call: "delete" | "extend", deliveries: readonly Delivery[], send: SendBatch) {
    const failed: Delivery[] = []
    async function settleChunk(chunk: readonly Delivery[]) {
      let left = chunk
      for (let attempt = 1; ; attempt++) {
        const entries = left.map(({ receipt }, index) => ({ Id: `${index}`, ReceiptHandle: receipt }))
        const outcome = judgeBatch(left, await persist(call, giveUpMs, () => send(entries)))
        failed.push(...outcome.lost)
        left = outcome.again
        if (left.length === 0) return
        if (attempt >= ENTRY_ATTEMPTS) return void failed.push(...left)
        const delayMs = backoffMs(attempt, ENTRY_BACKOFF)
        onRetry({ call, code: "BatchEntryFailed", attempt, delayMs })
        await clock.sleep(delayMs)
      }
    }

    await atOnce(CALLS_AT_ONCE, chunksOf(ENTRIES, deliveries), settleChunk)
    return failed
  }

  return {
    async receive(max, waitSeconds) {
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
      settle("delete", deliveries, (Entries) => client.deleteBatch({ QueueUrl, Entries }, CALL_MS)),
    extend: (deliveries, seconds) =>
      settle("extend", deliveries, (entries) => {
        const Entries = entries.map((entry) => ({ ...entry, VisibilityTimeout: seconds }))
        return client.changeBatch({ QueueUrl, Entries }, CALL_MS)
      }),
    counts: () =>
      persist("attributes", giveUpMs, async () =>
        readCounts(
          await client.attributes(
            {
              QueueUrl,
              AttributeNames: [
                "ApproximateNumberOfMessages",
                "ApproximateNumberOfMessagesNotVisible",
                "ApproximateNumberOfMessagesDelayed",
              ],
            },
            CALL_MS,
          ),
        ),
      ),
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

type SendBatch = (entries: { Id: string; ReceiptHandle: string }[]) => Promise<BatchOutput>

interface BatchOutput {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | undefined
  readonly Failed?: readonly BatchResultErrorEntry[] | undefined
}

/** By our own fault or by time's: the same receipt will never do. */
const LOST = /^(AWS\.SimpleQueueService\.)?(ReceiptHandleIsInvalid|MessageNotInflight|InvalidParameterValue)$/

/** An entry is settled only if the answer says so; one it does not name is tried again. */
function judgeBatch(chunk: readonly Delivery[], { Successful, Failed }: BatchOutput) {
  const settled = new Set(Successful?.map(({ Id }) => Id))
  const refused = new Set(
    Failed?.filter(({ SenderFault, Code = "" }) => SenderFault || LOST.test(Code)).map(({ Id }) => Id),
  )
  const lost: Delivery[] = []
  const again: Delivery[] = []
  for (const [index, delivery] of chunk.entries()) {
    if (refused.has(`${index}`)) lost.push(delivery)
    else if (!settled.has(`${index}`)) again.push(delivery)
  }
  return { lost, again }
}

/** The last part of the url: enough to know a queue by, and without its account. */
function nameOf(queueUrl: string): string {
  return new URL(queueUrl).pathname.split("/").at(-1) ?? ""
}
