/**
 * Lets tasks wait for a condition on shared state: whoever changes the state rings.
 *
 *     while (!mayGoOn()) await bell.rung()
 *
 * The loop stands with the caller, so that nothing comes between the look and
 * what is done on the strength of it: two tasks woken by one ring must not both
 * take the last place.
 */
export interface Bell {
  ring(): void
  /** Resolves at the next ring. */
  rung(): Promise<void>
}

export function createBell(): Bell {
  let waiting: (() => void)[] = []
  return {
    ring() {
      const woken = waiting
      waiting = []
      for (const wake of woken) wake()
    },
    rung: () => new Promise((wake) => waiting.push(wake)),
  }
}
