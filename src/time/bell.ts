/** Lets tasks wait for a condition on shared state: whoever changes the state rings. */
export interface Bell {
  ring(): void
  /** Resolves once `condition` holds; it is looked at now and after every ring. */
  until(condition: () => boolean): Promise<void>
}

export function createBell(): Bell {
  let waiting: (() => void)[] = []
  return {
    ring() {
      const woken = waiting
      waiting = []
      for (const wake of woken) wake()
    },
    async until(condition) {
      while (!condition()) await new Promise<void>((wake) => waiting.push(wake))
    },
  }
}
