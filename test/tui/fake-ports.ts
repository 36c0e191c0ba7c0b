import type { DrainEvent } from "../../src/drain-event.ts"
import type {
  AuditRecord,
  Check,
  DrainRun,
  KeyRing,
  Original,
  Ports,
  QuarantineGroup,
  RecoveryRequest,
} from "../../src/tui/ports.ts"

export const NOW = Date.UTC(2026, 10, 22, 19, 51, 7)
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE

/** A text put into every field that comes from outside, to see what becomes of it. */
export type Taint = (text: string) => string

export function groups(taint: Taint): readonly QuarantineGroup[] {
  const shape = "{user_id: text, ip: number, device_id: text, app_version: text}"
  return [
    { reason: "wrong-type", field: "ip", shape, count: 1204, oldestSentAtMs: NOW - 3 * DAY },
    { reason: "not-json", field: "$", shape: "21 bytes, no JSON", count: 312, oldestSentAtMs: NOW - DAY },
    {
      reason: "missing",
      field: "user_id",
      shape: "{2 unknown}",
      count: 88,
      oldestSentAtMs: NOW - 5 * MINUTE,
    },
    { reason: "not-a-version", field: "app_version", shape, count: 17, oldestSentAtMs: NOW - 40 * MINUTE },
    { reason: "too-long", field: "device_id", shape, count: 2, oldestSentAtMs: NOW - 90_000 },
  ].map((group) => ({
    ...group,
    reason: taint(group.reason),
    field: taint(group.field),
    shape: taint(group.shape),
  }))
}

export function records(taint: Taint, count = 60): readonly AuditRecord[] {
  const reasons = [
    "chargeback dispute 4417, asked by legal",
    "account takeover, case SEC-1042",
    "data subject request",
  ]
  return Array.from({ length: count }, (_, at): AuditRecord => {
    const isDenied = at % 7 === 3
    return {
      position: 1042 - at,
      atMs: NOW - at * 17 * MINUTE,
      actor: taint(["alice", "bob", "carol"][at % 3] as string),
      action: taint(["release", "request", "approve", "erase"][at % 4] as string),
      outcome: taint(isDenied ? "refused" : "done"),
      about: taint(at % 2 === 0 ? `u-${1700 + at}` : `k1:${"9f3c".repeat(16)}`),
      reason: taint(reasons[at % 3] as string),
      request: taint(String(400 - at)),
      rows: isDenied ? 0 : at,
    }
  })
}

export function checks(taint: Taint): readonly Check[] {
  const list: readonly Check[] = [
    {
      name: "configuration",
      result: "ok",
      message: "peppermill.config.yaml, 14 values, 2 from the environment",
    },
    { name: "mask key", result: "ok", message: "k1 is the key the database knows" },
    { name: "queue", result: "ok", message: "logins in eu-west-1, 120,334 waiting, visibility 120 s" },
    {
      name: "dead-letter queue",
      result: "warn",
      message: "the queue has none, and the vault is off: a refused message comes back until it expires",
      hint: "give the queue a redrive policy, or turn the vault on with `peppermill keys recipients add`",
    },
    {
      name: "database",
      result: "ok",
      message: "PostgreSQL 18.1 at db.internal, TLS verified, not a replica",
    },
    {
      name: "tables",
      result: "fail",
      message: "user_logins.masked_ip is varchar(32): a token needs 67 characters",
      hint: "run `peppermill init`, which shows the change before it makes it",
    },
    { name: "clock", result: "ok", message: "0.2 s from the queue's" },
    { name: "sandbox", result: "ok", message: "no child processes, no workers, no file writes" },
  ]
  return list.map((check) => ({
    ...check,
    name: taint(check.name),
    message: taint(check.message),
    ...(check.hint === undefined ? {} : { hint: taint(check.hint) }),
  }))
}

export function keyRing(taint: Taint): KeyRing {
  return {
    maskKeys: [
      { id: taint("k2"), state: "active", createdAtMs: NOW - 2 * DAY, check: "matches" },
      { id: taint("k1"), state: "live", createdAtMs: NOW - 400 * DAY, check: "matches" },
      { id: taint("k0"), state: "retired", createdAtMs: NOW - 800 * DAY, check: "not held" },
    ],
    recipients: [
      { recipient: taint(`age1${"qz8tq3k9".repeat(7)}`), dataKeys: 118, configured: true },
      { recipient: taint(`age1pq1${"s7d2w4xn".repeat(20)}`), dataKeys: 40, configured: true },
    ],
    dataKeys: Array.from({ length: 40 }, (_, at) => ({
      id: taint(`${(0xabc123 + at * 7919).toString(16).padStart(8, "0")}${"5e".repeat(12)}`),
      createdAtMs: NOW - at * DAY,
      seals: 1_048_576 - at * 977,
      recipients: 2,
    })),
  }
}

export const ORIGINALS: readonly Original[] = [
  { subject: "u-17", field: "ip", value: "203.0.113.77", verified: true },
  { subject: "u-17", field: "device_id", value: "device-4711", verified: true },
]

/** A run of which the test writes every event. */
export function scriptedRun(): DrainRun & {
  emit(event: DrainEvent): void
  end(error?: unknown): void
  calls: string[]
} {
  const waiting: DrainEvent[] = []
  const calls: string[] = []
  let wake = Promise.withResolvers<void>()
  let ended: { error: unknown } | null = null
  async function* events(): AsyncGenerator<DrainEvent> {
    for (;;) {
      for (let event = waiting.shift(); event !== undefined; event = waiting.shift()) yield event
      if (ended !== null) {
        if (ended.error !== undefined) throw ended.error
        return
      }
      await wake.promise
      wake = Promise.withResolvers()
    }
  }
  return {
    calls,
    events: events(),
    pause: () => calls.push("pause"),
    resume: () => calls.push("resume"),
    stop: () => calls.push("stop"),
    stopNow: () => calls.push("stopNow"),
    emit(event) {
      waiting.push(event)
      wake.resolve()
    },
    end(error) {
      ended = { error }
      wake.resolve()
    },
  }
}

const SAME: Taint = (text) => text

/** Ports that answer from memory. `approve` is what the other user does. */
export function fakePorts(options: { taint?: Taint; approvals?: number; ttlMinutes?: number } = {}) {
  const { taint = SAME, approvals = 1, ttlMinutes = 15 } = options
  const run = scriptedRun()
  const calls: string[] = []
  let request: RecoveryRequest | null = null
  const granted = () => {
    if (request === null) throw new Error("no request was made")
    return request
  }
  const ports = {
    queue: taint("logins"),
    database: taint("app at db.internal"),
    drain: {
      port: { start: () => run, counts: async () => ({ visible: 120_334, inFlight: 5000, delayed: 0 }) },
    },
    quarantine: {
      port: {
        groups: async () => groups(taint),
        messages: async (_, limit) =>
          Array.from({ length: Math.min(limit, 40) }, (_, at) => ({
            messageId: taint(`6f1c0d8e-0000-4000-8000-${String(at).padStart(12, "0")}`),
            sentAtMs: NOW - at * MINUTE,
            quarantinedAtMs: NOW - at * MINUTE + 2000,
          })),
      },
    },
    recovery: {
      port: {
        policy: async () => ({
          user: taint("alice"),
          approvals,
          ttlMinutes,
          rowsPerHour: 100,
          rowsLeft: 97,
          minReason: 10,
        }),
        request: async (wanted) => {
          calls.push(`request ${wanted.kind} ${wanted.value}`)
          request = {
            id: taint("42"),
            state: approvals === 0 ? "approved" : "waiting",
            approvalsNeeded: approvals,
            approvals: [],
            expiresAtMs: NOW + ttlMinutes * MINUTE,
          }
          return request
        },
        status: async () => granted(),
        release: async (id) => {
          calls.push(`release ${id}`)
          return ORIGINALS.map((original) => ({
            subject: taint(original.subject),
            field: taint(original.field),
            value: taint(original.value as string),
            verified: true,
          }))
        },
      },
    },
    audit: {
      port: {
        records: async ({ before, limit, filter }) => {
          calls.push(`records ${filter} ${before}`)
          return before === null ? records(taint).slice(0, limit) : []
        },
      },
    },
    keys: { port: { keys: async () => keyRing(taint) } },
    doctor: {
      async *checks() {
        yield* checks(taint)
      },
    },
  } satisfies Ports
  return {
    ports: ports as Ports,
    run,
    calls,
    approve(by: string) {
      request = { ...granted(), state: "approved", approvals: [{ by: taint(by), atMs: NOW }] }
    },
  }
}
