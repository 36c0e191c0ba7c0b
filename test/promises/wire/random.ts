/** Numbers between 0 and 1 that depend on the seed alone (mulberry32): the same seed, the same run. */
export function seeded(seed: number): () => number {
  let state = seed | 0
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** @returns A whole number from 0 to `below - 1`. */
export const pick = (random: () => number, below: number): number => Math.floor(random() * below)

/** `count` of the items, in an order of the seed's. */
export function sample<T>(random: () => number, count: number, items: readonly T[]): T[] {
  const rest = [...items]
  return Array.from({ length: Math.min(count, rest.length) }, () =>
    rest.splice(pick(random, rest.length), 1),
  ).flat()
}
