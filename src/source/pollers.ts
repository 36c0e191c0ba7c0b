/** How many receives to keep under way: more while they come back full, fewer while they come back empty. */
export interface Pollers {
  readonly wanted: number
  /** Tell what a receive brought of what it asked for. */
  came(asked: number, brought: number): void
}

/** What a run begins with: enough to see in one round trip whether there is more. */
const FIRST = 8

/**
 * Each full receive adds one, so that a backlog doubles their number with every
 * round trip; each empty one takes one away. A receive that is neither full nor
 * empty says that they are as many as the queue can use.
 *
 * @param least - What a queue that stays empty keeps.
 * @param most - Receives under way at most.
 */
export function createPollers({ least, most }: { readonly least: number; readonly most: number }): Pollers {
  let wanted = Math.min(FIRST, most)
  return {
    get wanted() {
      return wanted
    },
    came(asked, brought) {
      if (brought >= asked) wanted = Math.min(most, wanted + 1)
      else if (brought === 0) wanted = Math.min(wanted, Math.max(least, wanted - 1))
    },
  }
}
