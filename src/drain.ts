import type { ClearEvent, Decoded } from "./decode/decode.ts"
import type { EventShape, Rejection } from "./decode/event-shape.ts"
import type { DrainControl, StopCause } from "./drain-control.ts"
import type { DrainEvent, LeftReason, Outcome } from "./drain-event.ts"
import type { MaskEvent } from "./mask/mask.ts"
import type { Token } from "./mask/token.ts"
import { createGather } from "./sink/gather.ts"
import { ErasedMeanwhile, type Row, type SealedReject, type Sink } from "./sink/sink.ts"
import { createHeartbeat } from "./source/heartbeat.ts"
import { createIntake } from "./source/intake.ts"
import type { Delivery, Received, Source, SourceRetry } from "./source/source.ts"
import { createBell } from "./time/bell.ts"
import { createChannel } from "./time/channel.ts"
import type { Clock } from "./time/clock.ts"
import type { Original, Vault } from "./vault/vault.ts"

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

export interface DrainLimits {
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

/** A message in hand: received, not yet settled. */
interface Held {
  readonly first: Delivery
  /** Every time it came, while we had it. All are removed from the queue together. */
  readonly deliveries: Delivery[]
}

type Item =
  // `erasures`: the count at which an original that the row leaves out was known to be stored.
  | { readonly held: Held; readonly row: Row; readonly erasures: number | null }
  | { readonly held: Held; readonly reject: SealedReject }

/** Ids of messages left in the queue that we remember, so that their return is not news. */
const MAX_LEFT = 10_000

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
  const maskedFields = d.shape.fields.filter((field) => field.mask).map((field) => field.name)
  const bell = createBell()
  const hand = new Map<string, Held>()
  const left = new Map<string, Delivery>()
  const settling = new Set<Promise<void>>()
  let writing = 0
  // What the database's count of erasures was when the vault last learnt what is stored.
  let erasures: number | null = null
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
    onBatch: (items) => track(settle(items)),
  })
  const intake = createIntake({
    source,
    clock,
    control,
    bell,
    limits,
    emit,
    hasRoom: () => hand.size < limits.rows * (limits.inFlight + 1),
    isIdle: () => hand.size === 0 && settling.size === 0,
    leftByUs: () => left.size,
    take,
    onHeldByOthers: (count) => {
      heldByOthers = count
    },
  })

  /** @returns How many messages were news. */
  async function take(received: Received, durationMs: number): Promise<number> {
    const news = received.deliveries.filter((delivery) => !left.has(delivery.id))
    for (const delivery of received.deliveries) if (left.has(delivery.id)) left.set(delivery.id, delivery)
    const count = news.length + received.damaged
    if (count > 0) {
      const oldestSentAtMs = news.length === 0 ? null : Math.min(...news.map((delivery) => delivery.sentAtMs))
      emit({ type: "received", count, durationMs, oldestSentAtMs })
    }
    if (received.damaged > 0) emit({ type: "left", count: received.damaged, reason: "damaged" })
    if (news.length > 0) await vault?.ready()
    for (const delivery of news) {
      const held = hand.get(delivery.id)
      if (held !== undefined) held.deliveries.push(delivery)
      else begin(delivery)
    }
    // What was refused is left alone: its visibility timeout may run out.
    heartbeat.hold(news.filter((delivery) => hand.has(delivery.id)))
    return news.length
  }

  function begin(delivery: Delivery): void {
    const held: Held = { first: delivery, deliveries: [delivery] }
    hand.set(delivery.id, held)
    prepare(held)
  }

  /** Decode, mask and seal; what comes of it waits for its batch. */
  function prepare(held: Held): void {
    const delivery = held.first
    const decoded = d.decode(delivery.body)
    if (!decoded.ok) {
      refuse(held, decoded.rejection)
      return
    }
    const { event } = decoded
    const tokens = d.mask(event)
    const all = originalsOf(event, tokens)
    const originals = vault?.sealOriginals(event.subject, all) ?? []
    const { id: messageId, sentAtMs } = delivery
    gather.add({
      held,
      row: { messageId, sentAtMs, plain: event.plain, tokens, originals },
      erasures: originals.length < all.length ? erasures : null,
    })
  }

  function originalsOf(event: ClearEvent, tokens: readonly (Token | null)[]): readonly Original[] {
    return maskedFields.flatMap((field, index) => {
      const [clear, token] = [event.masked[index], tokens[index]]
      return clear && token ? [{ field, token, value: clear.original }] : []
    })
  }

  function refuse(held: Held, rejection: Rejection): void {
    emit({ type: "rejected", messageId: held.first.id, rejection })
    if (vault !== null) {
      gather.add({ held, reject: vault.sealReject(held.first, rejection) })
      return
    }
    hand.delete(held.first.id)
    leave(held.deliveries, "rejected")
  }

  function leave(deliveries: readonly Delivery[], reason: LeftReason): void {
    emit({ type: "left", count: deliveries.length, reason })
    for (const delivery of deliveries) left.set(delivery.id, delivery)
    for (const id of left.keys()) {
      if (left.size <= MAX_LEFT) break
      left.delete(id)
    }
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

  /** Commit, then acknowledge: in this order, whatever happens. */
  async function settle(items: readonly Item[]): Promise<void> {
    while (writing >= limits.inFlight && failure === undefined) await bell.rung()
    if (failure !== undefined) return
    writing++
    const startedMs = clock.now()
    const rows = items.flatMap((item) => ("row" in item ? [item.row] : []))
    const rejects = items.flatMap((item) => ("reject" in item ? [item.reject] : []))
    const written = await sink
      .write({ rows, rejects, erasures: oldestErasures(items) }, ({ sqlState, attempt, delayMs }) => {
        const code = sqlState ?? "connection"
        emit({ type: "retrying", service: "database", call: "commit", code, attempt, delayMs })
      })
      .catch((error: unknown) => {
        if (error instanceof ErasedMeanwhile) return null
        throw error
      })
      .finally(() => {
        writing--
        bell.ring()
      })
    if (written === null) {
      erasures = null
      vault?.forget()
      for (const item of items) {
        if ("row" in item) prepare(item.held)
        else gather.add(item)
      }
      return
    }
    if (erasures !== null && written.erasures !== erasures) vault?.forget()
    erasures = written.erasures
    const refused = new Map(written.refused.map((row) => [row.messageId, row]))
    const done = items.map((item) => item.held).filter((held) => !refused.has(held.first.id))
    // A duplicate's originals were stored by somebody else, and may have been erased since: no reason to skip sealing.
    if (written.duplicates === 0 && refused.size === 0) vault?.committed(rows.flatMap((row) => row.originals))
    // From here on a redelivery is a duplicate for the ledger to know, no longer a message in hand.
    for (const held of done) hand.delete(held.first.id)
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
    bell.ring()
    // What was refused without a vault is left alone: it must not be held for the rest of the run.
    const given = items.filter(({ held }) => !hand.has(held.first.id)).flatMap(({ held }) => held.deliveries)
    await heartbeat.release(given)
    const acknowledgedMs = clock.now()
    const failed = await source.acknowledge(deliveries)
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

  const unsettled = [...hand.values()].flatMap((held) => held.deliveries)
  if (unsettled.length > 0) leave(unsettled, "not-committed")
  // Hand back at once what we will not settle; should that fail, the visibility timeout does it.
  await source.extend([...left.values()], 0).catch(() => {})
  const outcome = OUTCOMES[control.stopping ?? "empty"]
  emit({ type: "finished", outcome, heldByOthers })
  if (failure !== undefined) throw failure
}

/** Null when no row of the batch leaves an original out because it is stored already. */
function oldestErasures(items: readonly Item[]): number | null {
  const counts = items.flatMap((item) => ("row" in item && item.erasures !== null ? [item.erasures] : []))
  return counts.length === 0 ? null : Math.min(...counts)
}

function fieldOfColumn(shape: EventShape, column: string | undefined): string {
  return shape.fields.find((field) => field.column === column)?.name ?? "$"
}
