/** Ten minutes: more than the widest terminal has columns for. */
const SECONDS = 600

/** How many messages were settled in each of the last seconds. */
export interface Rate {
  add(messages: number, nowMs: number): void
  /** Whole seconds only, oldest first, ending with the last one that is over. */
  perSecond(nowMs: number): readonly number[]
}

export function createRate(startMs: number): Rate {
  const counts = new Float64Array(SECONDS)
  const first = Math.floor(startMs / 1000)
  let current = first

  // The ring forgets a second as it reaches it again.
  function advance(nowMs: number): void {
    const second = Math.floor(nowMs / 1000)
    const from = Math.max(current + 1, second - SECONDS + 1)
    for (let s = from; s <= second; s++) counts[s % SECONDS] = 0
    current = Math.max(current, second)
  }

  return {
    add(messages, nowMs) {
      advance(nowMs)
      const slot = current % SECONDS
      counts[slot] = (counts[slot] as number) + messages
    },
    perSecond(nowMs) {
      advance(nowMs)
      const from = Math.max(first, current - SECONDS + 1)
      const seconds: number[] = []
      for (let s = from; s < current; s++) seconds.push(counts[s % SECONDS] as number)
      return seconds
    },
  }
}
