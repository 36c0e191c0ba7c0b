import type { Decoded } from "../decode/decode.ts"
import type { EventShape, Rejection, Value } from "../decode/event-shape.ts"
import type { MaskEvent } from "../mask/mask.ts"
import type { Token } from "../mask/token.ts"
import type { Delivery, Source } from "../source/source.ts"

/** What would become of one message. */
export type DryRunLine =
  | { readonly messageId: string; readonly row: Readonly<Record<string, Value | Token>> }
  | { readonly messageId: string; readonly rejection: Rejection }

/**
 * Receive up to `maxMessages`, say what a run would store, and put everything back.
 *
 * Nothing is written and nothing is deleted. The queue counts the receive all the
 * same, so a message that has been looked at often may end in its dead-letter queue.
 */
export async function* dryRun(
  d: { source: Source; shape: EventShape; decode: (body: string) => Decoded; mask: MaskEvent },
  options: { readonly maxMessages: number; readonly waitSeconds: number },
): AsyncGenerator<DryRunLine, void> {
  const seen = new Map<string, Delivery>()
  try {
    while (seen.size < options.maxMessages) {
      const wanted = Math.min(10, options.maxMessages - seen.size)
      const { deliveries } = await d.source.receive(wanted, options.waitSeconds)
      const news = deliveries.filter((delivery) => !seen.has(delivery.id))
      for (const delivery of deliveries) seen.set(delivery.id, delivery)
      if (news.length === 0) return
      for (const delivery of news) yield describe(d, delivery)
    }
  } finally {
    await d.source.extend([...seen.values()], 0)
  }
}

function describe(
  d: { shape: EventShape; decode: (body: string) => Decoded; mask: MaskEvent },
  delivery: Delivery,
): DryRunLine {
  const decoded = d.decode(delivery.body)
  if (!decoded.ok) return { messageId: delivery.id, rejection: decoded.rejection }
  const plain = decoded.event.plain.values()
  const tokens = d.mask(decoded.event).values()
  const columns = d.shape.fields.map((field): [string, Value | Token] => [
    field.column,
    (field.mask ? tokens : plain).next().value ?? null,
  ])
  if (d.shape.sentDate !== null) {
    columns.push([d.shape.sentDate, new Date(delivery.sentAtMs).toISOString().slice(0, 10)])
  }
  return { messageId: delivery.id, row: Object.fromEntries(columns) }
}
