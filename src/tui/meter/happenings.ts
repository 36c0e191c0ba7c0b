import type { DrainEvent, LeftReason, Outcome } from "../../drain-event.ts"
import { count, counted, latency } from "../format.ts"

/** How a line is to be read: as what we say, never by its colour alone. */
export type Weight = "plain" | "good" | "warn" | "bad"

/** Something that happened, in words. The same thing within a second is one line with a larger count. */
export interface Happening {
  readonly id: number
  readonly atMs: number
  readonly text: string
  readonly weight: Weight
}

/** Lines kept. Older ones are forgotten: the record is in the database, not here. */
const KEPT = 500

export interface Happenings {
  add(event: DrainEvent, nowMs: number): void
  say(text: string, weight: Weight, nowMs: number): void
  /** Newest first. The same array as long as nothing happened. */
  list(): readonly Happening[]
}

export function createHappenings(): Happenings {
  const lines: Happening[] = []
  let listed: readonly Happening[] | null = []
  let nextId = 1
  let second = 0
  let tallies = new Map<string, { index: number; amount: number; times: number }>()

  function append(text: string, weight: Weight, nowMs: number): void {
    lines.push({ id: nextId++, atMs: nowMs, text, weight })
    listed = null
    if (lines.length <= 2 * KEPT) return
    lines.splice(0, lines.length - KEPT)
    tallies = new Map()
  }

  function tally(key: string, amount: number, words: Tally, nowMs: number): void {
    if (Math.floor(nowMs / 1000) !== second) {
      second = Math.floor(nowMs / 1000)
      tallies = new Map()
    }
    const before = tallies.get(key)
    if (before === undefined) {
      append(words.say(amount, 1), words.weight, nowMs)
      tallies.set(key, { index: lines.length - 1, amount, times: 1 })
      return
    }
    before.amount += amount
    before.times++
    const line = lines[before.index] as Happening
    lines[before.index] = { ...line, text: words.say(before.amount, before.times) }
    listed = null
  }

  return {
    add(event, nowMs) {
      const words = wording(event)
      if (words === null) return
      tally(words.key, words.amount, words, nowMs)
    },
    say: append,
    list() {
      listed ??= lines.slice(-KEPT).reverse()
      return listed
    },
  }
}

interface Tally {
  readonly key: string
  readonly amount: number
  readonly weight: Weight
  say(amount: number, times: number): string
}

const LEFT: Record<LeftReason, string> = {
  rejected: "refused, and the vault is off",
  damaged: "damaged on the way",
  "dry-run": "a dry run",
  "not-committed": "not committed",
}

const ENDS: Record<Outcome, string> = {
  empty: "finished: the queue is empty",
  bounded: "finished: the bound was reached",
  stopped: "stopped before the queue was empty",
  failed: "stopped by a failure",
}

function once(key: string, weight: Weight, text: string): Tally {
  return { key, amount: 1, weight, say: (_, times) => (times > 1 ? `${text} (${count(times)} times)` : text) }
}

function many(key: string, amount: number, weight: Weight, say: Tally["say"]): Tally {
  return { key, amount, weight, say }
}

/** An event in words; null for what has its place elsewhere on the screen. */
function wording(event: DrainEvent): Tally | null {
  switch (event.type) {
    case "rejected": {
      const { reason, field } = event.rejection
      const where = field === "$" ? "the body" : field
      const say = (amount: number) =>
        amount === 1
          ? `refused ${event.messageId}: ${reason} at ${where}`
          : `refused ${count(amount)} messages: ${reason} at ${where}`
      return many(`rejected ${reason} ${field}`, 1, "warn", say)
    }
    case "stored": {
      if (event.stored === 0) return null
      const say = (amount: number, batches: number) =>
        `stored ${counted(amount, "row")} in ${counted(batches, "batch", "batches")}`
      return many("stored", event.stored, "plain", say)
    }
    case "acknowledged": {
      if (event.failed === 0) return null
      const say = (amount: number) =>
        `${counted(amount, "message")} could not be deleted, and will come again`
      return many("undeleted", event.failed, "warn", say)
    }
    case "left": {
      const say = (amount: number) => `left ${counted(amount, "message")} in the queue: ${LEFT[event.reason]}`
      return many(`left ${event.reason}`, event.count, "warn", say)
    }
    case "retrying": {
      const { service, call, code, attempt, delayMs } = event
      const text = `${service}: ${call} failed (${code}), attempt ${attempt + 1} in ${latency(delayMs)}`
      return once(`retrying ${service} ${call} ${code}`, "warn", text)
    }
    case "heartbeat": {
      if (event.failed)
        return once("heartbeat", "warn", "the heartbeat failed; what is in hand may come again")
      if (event.lost === 0) return null
      const say = (amount: number) =>
        `${counted(amount, "message")} slipped from our hands, and will come again`
      return many("lost", event.lost, "warn", say)
    }
    case "waiting-for-others":
      return once("waiting", "plain", `waiting: others hold ${counted(event.inFlight, "message")}`)
    case "paused":
      return once("paused", "plain", "paused: no more messages are asked for")
    case "resumed":
      return once("resumed", "plain", "resumed")
    case "stopping":
      return once("stopping", "plain", "finishing what is in hand")
    case "finished":
      return once("finished", event.outcome === "failed" ? "bad" : "good", ENDS[event.outcome])
    case "received":
    case "empty-poll":
      return null
  }
}
