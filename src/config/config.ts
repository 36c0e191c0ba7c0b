import { z } from "zod"
import { event } from "./event-section.ts"
import { alerts, observe } from "./observe-sections.ts"
import { batch, database, drain, masking, queue, recovery, secrets, vault } from "./sections.ts"

/** What a configuration may hold. Which values it has by default stands in config/default.yaml alone. */
export const configSchema = z.strictObject({
  queue,
  secrets,
  database,
  masking,
  vault,
  batch,
  drain,
  recovery,
  observe,
  alerts,
  event,
})

/** A complete, checked configuration. Secrets stand in it as references, but for the password in a database URL. */
export type Config = DeepReadonly<z.infer<typeof configSchema>>

type DeepReadonly<T> = T extends object ? { readonly [K in keyof T]: DeepReadonly<T[K]> } : T

/**
 * What is allowed but probably not meant.
 *
 * @returns One sentence each, naming settings and no values but numbers.
 */
export function doubts(config: Config): readonly string[] {
  const { batch, database, drain, queue } = config
  const found: string[] = []
  if (drain.timeoutSeconds < queue.visibilitySeconds) {
    found.push(
      "drain.timeoutSeconds is shorter than queue.visibilitySeconds: " +
        "messages of a drain that died are not back yet when this one gives up",
    )
  }
  if (queue.visibilitySeconds < 10) {
    found.push("queue.visibilitySeconds is below 10: a slow network alone lets messages come twice")
  }
  if (batch.lingerMs * 3 >= queue.visibilitySeconds * 1_000) {
    found.push(
      "batch.lingerMs is over a third of queue.visibilitySeconds: batches wait longer than a heartbeat",
    )
  }
  if (batch.inFlight > database.poolSize) {
    found.push("batch.inFlight is above database.poolSize: batches wait for a connection")
  }
  return found
}
