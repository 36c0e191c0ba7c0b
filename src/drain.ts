import { createCommit, type Item } from "./commit.ts"
import type { Decoded } from "./decode/decode.ts"
import type { EventShape, Rejection } from "./decode/event-shape.ts"
import type { DrainControl, StopCause } from "./drain-control.ts"
import type { DrainEvent, LeftReason, Outcome } from "./drain-event.ts"
import type { DrainLimits } from "./drain-limits.ts"
import type { MaskEvent } from "./mask/mask.ts"
import { createPrepare } from "./prepare.ts"
import { createGather } from "./sink/gather.ts"
import type { Sink } from "./sink/sink.ts"
import { createHand, type Held } from "./source/hand.ts"
import { createHeartbeat } from "./source/heartbeat.ts"
import { createIntake } from "./source/intake.ts"
import { createLeft } from "./source/left.ts"
import type { Delivery, Received, Source, SourceRetry } from "./source/source.ts"
import { createBell } from "./time/bell.ts"
import { createChannel } from "./time/channel.ts"
import type { Clock } from "./time/clock.ts"
import type { Vault } from "./vault/vault.ts"

export interface Drain {
  readonly source: Source
  readonly sink: Sink
  readonly shape: EventShape
  readonly decode: (body: string) => Decoded
  readonly mask: MaskEvent
  /** null: no originals are kept, and rejected messages stay in the queue. */
  readonly vault: Vault | null
  readonly clock: Clock
  readonly limits: DrainLimits
  /** Call back on every try that the source makes again. */
  readonly onSourceRetry: (listener: (retry: SourceRetry) => void) => void
}

const OUTCOMES: Record<StopCause, Outcome> = {
  signal: "stopped",
  held: "stopped",
  bound: "bounded",
  empty: "empty",
  failed: "failed",
}

/**
 * Drain the source until it is empty, a bound is reached, or `control` says stop.
 *
 * The order is the guarantee: decode, mask, seal, commit, and only then acknowledge.
 * A crash anywhere leaves messages in the queue: never lost, never half written.
 * A message that cannot be stored never stops the others.
 *
 * Ends with a `finished` event; when the run had to stop for a failure, throws
 * that failure after it. A consumer that leaves early stops the drain gently.
 */
export async function* drain(d: Drain, control: DrainControl): AsyncGenerator<DrainEvent, void> {
  const events = createChannel<DrainEvent>()
  const run = runDrain(d, control, events.push).then(
    () => events.end(),
    (error: unknown) => events.end(error),
  )
  try {
    yield* events
  } finally {
    control.stop("signal")
    await run
  }
}

async function runDrain(d: Drain, control: DrainControl, emit: (event: DrainEvent) => void): Promise<void> {
  const { source, sink, vault, limits, clock } = d
  const prepare = createPrepare(d)
  const commit = createCommit({ sink, vault, emit })
  const room = limits.rows * (limits.inFlight + 1)
  const bell = createBell()
  const hand = createHand()
  const left = createLeft()
  const settling = new Set<Promise<void>>()
  let writing = 0
  // Stored, and still in the queue. A queue that is slow to delete must not let them pile up here.
  let undeleted = 0
  let failure: unknown
  let heldByOthers = 0

  control.onChange(() => {
    emit(
      control.stopping !== null
        ? { type: "stopping", cause: control.stopping }
        : { type: control.paused ? "paused" : "resumed" },
    )
    bell.ring()
  })
  d.onSourceRetry((retry) => emit({ type: "retrying", service: "queue", ...retry }))
  const heartbeat = createHeartbeat({
    source,
    visibilitySeconds: limits.visibilitySeconds,
    clock,
    onBeat: (count, lost, failure) => emit({ type: "heartbeat", count, lost, failed: failure !== null }),
  })
  const gather = createGather<Item>({
    rows: limits.rows,
    lingerMs: limits.lingerMs,
    // Two steps, so that rows and bodies go once they are stored: the queue may be slow to delete.
    onBatch: (items) => track(store(items).then(remove)),
  })
  const intake = createIntake({
    source,
    clock,
    control,
    bell,
    limits,
    emit,
    hasRoom: () => hand.size < room && undeleted < 2 * room,
    isIdle: () => hand.size === 0 && settling.size === 0,
    leftByUs: () => left.size,
    take,
    onHeldByOthers: (count) => {
      heldByOthers = count
    },
  })

  /** @returns How many messages were news. */
  async function take(received: Received, durationMs: number): Promise<number> {
    const news = left.news(received.deliveries)
    const count = news.length + received.damaged
    if (count > 0) {
      const oldestSentAtMs = news.length === 0 ? null : Math.min(...news.map((delivery) => delivery.sentAtMs))
      emit({ type: "received", count, durationMs, oldestSentAtMs })
    }
    if (received.damaged > 0) emit({ type: "left", count: received.damaged, reason: "damaged" })
    if (news.length > 0) await vault?.ready()
    for (const delivery of news) {
      const held = hand.take(delivery)
      if (held !== null) begin(held)
    }
    // What was refused is left alone: its visibility timeout may run out.
    heartbeat.hold(news.filter((delivery) => hand.has(delivery.id)))
    return news.length
  }

  /** Decode, mask and seal; what comes of it waits for its batch. */
  function begin(held: Held): void {
    const prepared = prepare(held.first)
    if ("rejection" in prepared) refuse(held, prepared.rejection)
    else gather.add({ held, row: prepared.row, erasures: prepared.omits ? commit.erasures : null })
  }

  function refuse(held: Held, rejection: Rejection): void {
    emit({ type: "rejected", messageId: held.first.id, rejection })
    if (vault !== null) {
      gather.add({ held, reject: vault.sealReject(held.first, rejection) })
      return
    }
    hand.letGo(held)
    leave(held.deliveries, "rejected")
  }

  function leave(deliveries: readonly Delivery[], reason: LeftReason): void {
    emit({ type: "left", count: deliveries.length, reason })
    left.add(deliveries)
  }

  function track(work: Promise<void>): void {
    settling.add(work)
    work
      .catch((error: unknown) => {
        failure ??= error
        control.stop("failed")
      })
      .finally(() => {
        settling.delete(work)
        bell.ring()
      })
  }

  /** @returns What is committed, by us or somebody else, and may be removed from the queue. */
  async function store(items: readonly Item[]): Promise<readonly Delivery[]> {
    while (writing >= limits.inFlight && failure === undefined) await bell.rung()
    if (failure !== undefined) return []
    writing++
    const startedMs = clock.now()
    const written = await commit.write(items).finally(() => {
      writing--
      bell.ring()
    })
    if (written === null) {
      for (const item of items) {
        if ("row" in item) begin(item.held)
        else gather.add(item)
      }
      return []
    }
    const refused = new Map(written.refused.map((row) => [row.messageId, row]))
    const done = items.map((item) => item.held).filter((held) => !refused.has(held.first.id))
    // From here on a redelivery is a duplicate for the ledger to know, no longer a message in hand.
    for (const held of done) hand.letGo(held)
    const deliveries = done.flatMap((held) => held.deliveries)
    emit({
      type: "stored",
      stored: written.stored,
      duplicates: written.duplicates + deliveries.length - done.length,
      quarantined: written.quarantined,
      originals: written.originals,
      durationMs: clock.now() - startedMs,
    })
    for (const { held } of items) {
      const row = refused.get(held.first.id)
      if (row !== undefined)
        refuse(held, { reason: "not-storable", field: fieldOfColumn(d.shape, row.column) })
    }
    undeleted += deliveries.length
    bell.ring()
    // What was refused without a vault is left alone: it must not be held for the rest of the run.
    const given = items.filter(({ held }) => !hand.has(held.first.id)).flatMap(({ held }) => held.deliveries)
    await heartbeat.release(given)
    return deliveries
  }

  /** Acknowledge: of what is committed, and only that. */
  async function remove(deliveries: readonly Delivery[]): Promise<void> {
    if (deliveries.length === 0) return
    const acknowledgedMs = clock.now()
    const failed = await source.acknowledge(deliveries).finally(() => {
      undeleted -= deliveries.length
    })
    emit({
      type: "acknowledged",
      count: deliveries.length - failed.length,
      failed: failed.length,
      durationMs: clock.now() - acknowledgedMs,
    })
  }

  const deadline =
    limits.maxSeconds === null ? undefined : setTimeout(() => control.stop("bound"), limits.maxSeconds * 1000)
  try {
    await intake.run()
  } catch (error) {
    failure ??= error
    control.stop("failed")
  }
  clearTimeout(deadline)
  // A batch may give rejects of its own, which gather once more.
  do {
    gather.flush()
    while (settling.size > 0) await bell.rung()
  } while (gather.waiting > 0 && failure === undefined)
  await heartbeat.stop()

  const unsettled = hand.deliveries()
  if (unsettled.length > 0) leave(unsettled, "not-committed")
  // Hand back at once what we will not settle; should that fail, the visibility timeout does it.
  await source.extend(left.deliveries(), 0).catch(() => {})
  const outcome = OUTCOMES[control.stopping ?? "empty"]
  emit({ type: "finished", outcome, heldByOthers })
  if (failure !== undefined) throw failure
}

function fieldOfColumn(shape: EventShape, column: string | undefined): string {
  return shape.fields.find((field) => field.column === column)?.name ?? "$"
}
