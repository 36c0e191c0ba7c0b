import type { Delivery } from "./source.ts"

/** Ids that we remember, so that their messages' return is not news. */
const MAX_LEFT = 10_000

/** The messages a run has received and leaves in the queue: it counts each once, and hands them back at its end. */
export interface Left {
  add(deliveries: readonly Delivery[]): void
  /** Those of `deliveries` that were not left before. Of the others, the new receipts are kept. */
  news(deliveries: readonly Delivery[]): readonly Delivery[]
  readonly size: number
  /** Each message once, by the receipt it came with last. */
  deliveries(): readonly Delivery[]
}

export function createLeft(): Left {
  const left = new Map<string, Delivery>()
  return {
    add(deliveries) {
      for (const delivery of deliveries) left.set(delivery.id, delivery)
      for (const id of left.keys()) {
        if (left.size <= MAX_LEFT) break
        left.delete(id)
      }
    },
    news(deliveries) {
      for (const delivery of deliveries) if (left.has(delivery.id)) left.set(delivery.id, delivery)
      return deliveries.filter((delivery) => !left.has(delivery.id))
    },
    get size() {
      return left.size
    },
    deliveries: () => [...left.values()],
  }
}
