import { hash } from "node:crypto"
import type {
  BatchResultErrorEntry,
  GetQueueAttributesCommandOutput,
  Message,
  ReceiveMessageCommandOutput,
} from "@aws-sdk/client-sqs"
import type { Counts, Delivery, QueueFacts, Received } from "./source.ts"
import { Unreadable } from "./sqs-call.ts"

/** FIPS builds of OpenSSL have no MD5. Bodies then go unchecked: TLS still guards them. */
const HAS_MD5 = hasMd5()

/**
 * Read what a receive brought. A message that cannot be used spoils no other.
 *
 * @param nowMs - Stands in for a SentTimestamp that the queue did not give.
 */
export function readReceived({ Messages }: ReceiveMessageCommandOutput, nowMs: number): Received {
  if (Messages === undefined || Messages === null) return { deliveries: [], damaged: 0 }
  if (!Array.isArray(Messages)) throw new Unreadable("Messages is not a list")
  const deliveries: Delivery[] = []
  for (const message of Messages) {
    const delivery = readMessage(message, nowMs)
    if (delivery !== null) deliveries.push(delivery)
  }
  return { deliveries, damaged: Messages.length - deliveries.length }
}

/** @returns null if the message has no id, no receipt or no text, or its checksum is wrong. */
function readMessage(message: Message | null, nowMs: number): Delivery | null {
  const { MessageId: id, ReceiptHandle: receipt, Body: body = "", MD5OfBody: md5, Attributes } = message ?? {}
  if (typeof id !== "string" || id === "" || typeof receipt !== "string" || receipt === "") return null
  if (typeof body !== "string") return null
  if (HAS_MD5 && typeof md5 === "string" && hash("md5", body) !== md5) return null
  return {
    id,
    body,
    receipt,
    sentAtMs: wholeNumber(Attributes?.SentTimestamp) ?? nowMs,
    receiveCount: wholeNumber(Attributes?.ApproximateReceiveCount) ?? 1,
  }
}

/** What the batch calls of SQS answer, as far as we look. */
export interface BatchOutput {
  readonly Successful?: readonly { readonly Id?: string | undefined }[] | undefined
  readonly Failed?: readonly BatchResultErrorEntry[] | undefined
}

/** By our own fault or by time's: the same receipt will never do. */
const REFUSED =
  /^(AWS\.SimpleQueueService\.)?(ReceiptHandleIsInvalid|MessageNotInflight|InvalidParameterValue)$/

/** The ids of the entries that are done, and of those that no other try will do. */
export function readBatch({ Successful, Failed }: BatchOutput) {
  const refused = entriesOf(Failed).filter(({ SenderFault, Code }) => SenderFault || REFUSED.test(Code ?? ""))
  return {
    done: new Set(entriesOf(Successful).map(({ Id }) => Id)),
    refused: new Set(refused.map(({ Id }) => Id)),
  }
}

function entriesOf<T extends object>(list: readonly T[] | null | undefined): readonly T[] {
  const entries = list ?? []
  const isGood =
    Array.isArray(entries) && entries.every((entry) => typeof entry === "object" && entry !== null)
  if (!isGood) throw new Unreadable("not a list of entries")
  return entries
}

export function readCounts(output: GetQueueAttributesCommandOutput): Counts {
  const Attributes = output.Attributes ?? {}
  const visible = wholeNumber(Attributes.ApproximateNumberOfMessages)
  const inFlight = wholeNumber(Attributes.ApproximateNumberOfMessagesNotVisible)
  const delayed = wholeNumber(Attributes.ApproximateNumberOfMessagesDelayed)
  // To take a missing count for 0 would be to call a queue empty that is not.
  if (visible === null || inFlight === null || delayed === null) throw new Unreadable("a count is missing")
  return { visible, inFlight, delayed }
}

/** Attributes that the queue does not name have SQS's defaults. */
export function readFacts(output: GetQueueAttributesCommandOutput, queueUrl: string): QueueFacts {
  const Attributes = output.Attributes ?? {}
  const redrive = readRedrive(Attributes.RedrivePolicy)
  return {
    fifo: Attributes.FifoQueue === "true" || queueUrl.endsWith(".fifo"),
    visibilitySeconds: wholeNumber(Attributes.VisibilityTimeout) ?? 30,
    retentionSeconds: wholeNumber(Attributes.MessageRetentionPeriod) ?? 345_600,
    maxReceiveCount: redrive.maxReceiveCount,
    deadLetterQueueArn: redrive.deadLetterQueueArn,
  }
}

function readRedrive(text: string | undefined) {
  const none = { maxReceiveCount: null, deadLetterQueueArn: null }
  if (text === undefined || text === "") return none
  try {
    const { maxReceiveCount, deadLetterTargetArn } = JSON.parse(text)
    return {
      maxReceiveCount: wholeNumber(String(maxReceiveCount)),
      deadLetterQueueArn: typeof deadLetterTargetArn === "string" ? deadLetterTargetArn : null,
    }
  } catch {
    throw new Unreadable("RedrivePolicy is not JSON")
  }
}

function wholeNumber(text: unknown): number | null {
  return typeof text === "string" && /^\d{1,15}$/.test(text) ? Number(text) : null
}

function hasMd5(): boolean {
  try {
    return hash("md5", "") === "d41d8cd98f00b204e9800998ecf8427e"
  } catch {
    return false
  }
}
