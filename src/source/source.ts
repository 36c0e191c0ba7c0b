/** A message as received, with the only means of removing it from its queue. */
export interface Delivery {
  /** The queue's message id. */
  readonly id: string
  readonly body: string
  /**
   * When the producer sent it, by the queue's clock: milliseconds since the epoch.
   * Of a queue that does not say (SQS does), when we received it.
   */
  readonly sentAtMs: number
  /** Times the queue has handed this message out, counting this one. Starts at 1. */
  readonly receiveCount: number
  /** Opaque to everyone but the source that made it. Good only until the visibility timeout. */
  readonly receipt: string
}

/** What one receive brought. */
export interface Received {
  readonly deliveries: readonly Delivery[]
  /** Messages that cannot be used (checksum wrong, no id, no receipt): they stay in the queue. */
  readonly damaged: number
}

/** The queue's own counts. Approximate on a standard queue, and late by up to a minute. */
export interface Counts {
  readonly visible: number
  /** Held by some consumer, ourselves included. */
  readonly inFlight: number
  readonly delayed: number
}

/** What the queue says of itself: the figures `doctor` and the preflight judge. */
export interface QueueFacts {
  readonly fifo: boolean
  readonly visibilitySeconds: number
  readonly retentionSeconds: number
  /** null when the queue has no dead-letter queue. */
  readonly maxReceiveCount: number | null
  readonly deadLetterQueueArn: string | null
}

/**
 * Where messages come from.
 *
 * A message may come more than once, in any order, even twice in one receive.
 * Every method throws a `UserError` of kind `unavailable`, `permission` or
 * `config` once its own retries are spent; throttling and lost connections are
 * retried inside and told to `onRetry`.
 */
export interface Source {
  /**
   * Wait for at most `max` messages, 1 to 10. None after `waitSeconds` is not an
   * error, and says little: an empty answer may be false.
   *
   * A poll cannot be cut short: SQS would hide the messages of an aborted long
   * poll until the visibility timeout. A gentle stop waits for it.
   */
  receive(max: number, waitSeconds: number): Promise<Received>

  /** Remove messages. Resolves with the deliveries that could not be removed after all retries. */
  acknowledge(deliveries: readonly Delivery[]): Promise<readonly Delivery[]>

  /**
   * Hide messages for `seconds` more, counted from now; 0 hands them back at
   * once. Resolves with those whose receipt is no longer good.
   */
  extend(deliveries: readonly Delivery[], seconds: number): Promise<readonly Delivery[]>

  counts(): Promise<Counts>
  facts(): Promise<QueueFacts>
  close(): void
}

/** A failed attempt that will be made again. `code` is an error's name, never its text. */
export interface SourceRetry {
  readonly call: "receive" | "delete" | "extend" | "attributes"
  readonly code: string
  readonly attempt: number
  readonly delayMs: number
}
