import { createDecoder } from "../../src/decode/decode.ts"
import { drain } from "../../src/drain.ts"
import { createDrainControl } from "../../src/drain-control.ts"
import { addEvent, type DrainEvent, NO_TOTALS } from "../../src/drain-event.ts"
import { createMask } from "../../src/mask/mask.ts"
import { parseMaskKeys } from "../../src/mask/mask-keys.ts"
import { openDatabase } from "../../src/sink/connection.ts"
import { storeDataKey } from "../../src/sink/data-keys.ts"
import { createPostgresSink } from "../../src/sink/postgres.ts"
import type { WrappedDataKey } from "../../src/sink/sink.ts"
import { createSqsSource } from "../../src/source/sqs.ts"
import { systemClock } from "../../src/time/clock.ts"
import { createVault } from "../../src/vault/vault.ts"
import type { TestDatabase } from "../database.ts"
import { LOGIN } from "../shape.ts"
import { type StubOptions, startSqsStub } from "../sqs-stub.ts"

/** The mask key of every drain here. */
export const KEY = parseMaskKeys({ k1: `${"0f".repeat(31)}aa` }, "k1").active

/** A whole drain of a stub queue into a real database, and all that can be seen of it afterwards. */
export async function drainAll(
  database: TestDatabase,
  bodies: readonly string[],
  options: StubOptions & { readonly recipients?: readonly string[] } = {},
) {
  const stub = await startSqsStub(options)
  const db = await openDatabase(database.address, { poolSize: 2 })
  stub.send(bodies)
  const { recipients = [] } = options
  const storeKey = (key: WrappedDataKey) => storeDataKey(db, key, 5)
  const vault =
    recipients.length === 0 ? null : createVault({ recipients, shape: LOGIN, storeDataKey: storeKey })
  const source = await createSqsSource({
    queueUrl: stub.url,
    region: stub.region,
    visibilitySeconds: 30,
    credentials: async () => ({ accessKeyId: "test", secretAccessKey: "test" }),
    onRetry: () => {},
  })
  const all: DrainEvent[] = []
  try {
    const events = drain(
      {
        source,
        sink: createPostgresSink(db, LOGIN, { retrySeconds: 5, vault: vault !== null }),
        shape: LOGIN,
        decode: createDecoder(LOGIN),
        mask: createMask(KEY, LOGIN),
        vault,
        clock: systemClock,
        onSourceRetry: () => {},
        limits: {
          pollers: 2,
          waitSeconds: 0,
          visibilitySeconds: 30,
          rows: 500,
          lingerMs: 20,
          inFlight: 2,
          emptyPolls: 1,
          timeoutSeconds: 2,
          follow: false,
          maxMessages: null,
          maxSeconds: 20,
        },
      },
      createDrainControl(),
    )
    for await (const event of events) all.push(event)
    const rows = await database.query("select * from user_logins order by user_id")
    return { all, totals: all.reduce(addEvent, NO_TOTALS), rows, stub, queue: stub.queue.counts() }
  } finally {
    source.close()
    vault?.close()
    await db.destroy()
    await stub.close()
  }
}

export type Drained = Awaited<ReturnType<typeof drainAll>>
