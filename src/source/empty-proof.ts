import type { Counts } from "./source.ts"

/** What the queue's own counts say after enough empty polls. */
export type Verdict = "empty" | "not-empty" | "held-by-others"

/**
 * Evidence that a queue is empty. One empty receive proves little: SQS may
 * answer empty while messages wait. So it takes `needed` empty long polls in a
 * row, each begun after the last message came, and then the queue's counts.
 */
export interface EmptyProof {
  /** Note that a poll begins; give the result to {@link ended}. */
  began(): number
  /** @param began - What {@link began} gave. @param brought - Whether the poll brought a message not seen before. */
  ended(began: number, brought: boolean): void
  /** Empty polls in a row so far. */
  readonly consecutive: number
  /** Whether the polls are enough, and the counts may be asked. */
  complete(): boolean
  /** Whether one more poll would add to the proof: false while enough of them are under way. */
  wantsPoll(): boolean
  /** Start over: the counts contradicted the polls. */
  restart(): void
}

export function createEmptyProof(needed: number): EmptyProof {
  let polls = 0
  let lastMessageAt = 0
  let consecutive = 0
  const underWay = new Set<number>()
  return {
    get consecutive() {
      return consecutive
    },
    began() {
      const began = ++polls
      underWay.add(began)
      return began
    },
    ended(began, brought) {
      underWay.delete(began)
      if (brought) {
        lastMessageAt = polls
        consecutive = 0
      } else if (began > lastMessageAt) {
        consecutive++
      }
    },
    complete: () => consecutive >= needed,
    wantsPoll() {
      // While messages come, polls are for messages, not for proof.
      if (consecutive === 0) return true
      const counting = [...underWay].filter((began) => began > lastMessageAt).length
      return consecutive + counting < needed
    },
    restart() {
      consecutive = 0
    },
  }
}

/** @param leftByUs - Messages this run has received and left in the queue: they are hidden, but nobody works on them. */
export function judgeCounts(counts: Counts, leftByUs: number): Verdict {
  if (counts.visible > 0 || counts.delayed > 0) return "not-empty"
  return counts.inFlight > leftByUs ? "held-by-others" : "empty"
}
