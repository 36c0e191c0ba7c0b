/** How much a drain does at a time, and when it ends. */
export interface DrainLimits {
  /** Receives under way at most. */
  readonly pollers: number
  readonly waitSeconds: number
  readonly visibilitySeconds: number
  /** Rows of a batch. */
  readonly rows: number
  readonly lingerMs: number
  /** Batches being written at one time. */
  readonly inFlight: number
  /** Empty long polls in a row that, with the queue's counts, mean empty. */
  readonly emptyPolls: number
  /** How long to wait for messages that other consumers hold. */
  readonly timeoutSeconds: number
  /** Never stop for emptiness. */
  readonly follow: boolean
  readonly maxMessages: number | null
  readonly maxSeconds: number | null
}
