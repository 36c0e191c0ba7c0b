import type { DrainEvent, LeftReason } from "../drain-event.ts"

/** What one metric is called, and what its figures mean. */
export interface Metric {
  /** The same in Prometheus and in CloudWatch. */
  readonly name: `peppermill_${string}`
  readonly kind: "counter" | "gauge" | "histogram"
  /** CloudWatch's word for the unit. */
  readonly unit: "Count" | "Seconds" | "None"
  readonly help: string
  /** What a counter is split by. */
  readonly label?: "reason" | "dependency"
  /** What the label may be: each is there from the start, so that a first increase shows. */
  readonly values?: readonly string[]
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[]
  /** Counted by the command that does it, so it stands in that command's line for CloudWatch alone. */
  readonly by?: "recover"
}

type Rejected = Extract<DrainEvent, { type: "rejected" }>
type Retrying = Extract<DrainEvent, { type: "retrying" }>

const REJECTED: Readonly<Record<Rejected["rejection"]["reason"], true>> = {
  "not-json": true,
  "not-an-object": true,
  missing: true,
  "wrong-type": true,
  "too-long": true,
  "not-storable": true,
  "out-of-range": true,
  "not-an-ip": true,
  "not-a-version": true,
}

const LEFT: Readonly<Record<LeftReason, true>> = {
  rejected: true,
  damaged: true,
  "dry-run": true,
  "not-committed": true,
}

const DEPENDENCIES: Readonly<Record<Retrying["service"], true>> = { queue: true, database: true }

/** Every metric there is. */
export const METRICS = {
  received: {
    name: "peppermill_received_total",
    kind: "counter",
    unit: "Count",
    help: "Messages received; one that this run left in the queue is not counted again",
  },
  stored: {
    name: "peppermill_stored_total",
    kind: "counter",
    unit: "Count",
    help: "Messages stored as rows of the event table",
  },
  duplicates: {
    name: "peppermill_duplicates_total",
    kind: "counter",
    unit: "Count",
    help: "Messages that had been stored before, and are stored once all the same",
  },
  rejected: {
    name: "peppermill_rejected_total",
    kind: "counter",
    unit: "Count",
    label: "reason",
    values: Object.keys(REJECTED),
    help: "Messages that cannot become a row, by reason: quarantined, or left in the queue if there is no vault",
  },
  quarantined: {
    name: "peppermill_quarantined_total",
    kind: "counter",
    unit: "Count",
    help: "Rejected messages sealed into the quarantine",
  },
  left: {
    name: "peppermill_left_total",
    kind: "counter",
    unit: "Count",
    label: "reason",
    values: Object.keys(LEFT),
    help: "Messages received and left in the queue, by reason",
  },
  deleted: {
    name: "peppermill_deleted_total",
    kind: "counter",
    unit: "Count",
    help: "Messages deleted from the queue, each after its commit",
  },
  deleteFailures: {
    name: "peppermill_delete_failures_total",
    kind: "counter",
    unit: "Count",
    help: "Messages that were stored but could not be deleted: they come again, as duplicates",
  },
  vaultWrites: {
    name: "peppermill_vault_writes_total",
    kind: "counter",
    unit: "Count",
    help: "Originals offered to the vault, which keeps one of each",
  },
  retries: {
    name: "peppermill_retries_total",
    kind: "counter",
    unit: "Count",
    label: "dependency",
    values: Object.keys(DEPENDENCIES),
    help: "Calls that failed and were made again, by what failed: queue or database",
  },
  emptyReceives: {
    name: "peppermill_empty_receives_total",
    kind: "counter",
    unit: "Count",
    help: "Long polls that brought nothing new",
  },
  lostHolds: {
    name: "peppermill_lost_holds_total",
    kind: "counter",
    unit: "Count",
    help: "Messages in hand that the queue would not hide any longer: they may come again",
  },
  recoveries: {
    name: "peppermill_recoveries_total",
    kind: "counter",
    unit: "Count",
    help: "Originals released to somebody, counted by the command that released them",
    by: "recover",
  },
  inFlight: {
    name: "peppermill_in_flight",
    kind: "gauge",
    unit: "Count",
    help: "Messages in hand: received, and not yet stored, quarantined or left",
  },
  oldestMessageAge: {
    name: "peppermill_oldest_message_age_seconds",
    kind: "gauge",
    unit: "Seconds",
    help: "Age of the oldest message among those received in the last minute; 0 when none came",
  },
  paused: {
    name: "peppermill_paused",
    kind: "gauge",
    unit: "None",
    help: "1 while somebody has paused the intake, else 0",
  },
  batchRows: {
    name: "peppermill_batch_rows",
    kind: "histogram",
    unit: "Count",
    help: "Messages of one batch, which is one transaction",
    buckets: [1, 5, 10, 25, 50, 100, 250, 500, 1000, 2500, 5000, 10_000],
  },
  batchSeconds: {
    name: "peppermill_batch_seconds",
    kind: "histogram",
    unit: "Seconds",
    help: "Seconds from a full batch to its commit, retries included",
    buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60],
  },
} as const satisfies Record<string, Metric>

export type MetricKey = keyof typeof METRICS
