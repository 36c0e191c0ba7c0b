import type { Delivery } from "./source.ts"

/** A message in hand: received, not yet settled. */
export interface Held {
  readonly first: Delivery
  /** Every time it came, while we had it. All are removed from the queue together. */
  readonly deliveries: readonly Delivery[]
}

/** The messages a run has in hand, each once, however often it came. */
export interface Hand {
  /** @returns null for a message that is in hand already: the delivery has joined it. */
  take(delivery: Delivery): Held | null
  /** Settled, or left. Should it come again, it is another message. */
  letGo(held: Held): void
  has(messageId: string): boolean
  readonly size: number
  deliveries(): Delivery[]
}

export function createHand(): Hand {
  const hand = new Map<string, { first: Delivery; deliveries: Delivery[] }>()
  return {
    take(delivery) {
      const known = hand.get(delivery.id)
      if (known !== undefined) {
        known.deliveries.push(delivery)
        return null
      }
      const held = { first: delivery, deliveries: [delivery] }
      hand.set(delivery.id, held)
      return held
    },
    letGo: (held) => void hand.delete(held.first.id),
    has: (messageId) => hand.has(messageId),
    get size() {
      return hand.size
    },
    deliveries: () => [...hand.values()].flatMap((held) => held.deliveries),
  }
}
