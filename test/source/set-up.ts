import { onTestFinished, type TestContext } from "vitest"
import type { SourceRetry } from "../../src/source/source.ts"
import { createSqsSource, type SqsSourceOptions } from "../../src/source/sqs.ts"
import { createQueue, type QueueOptions } from "../queue.ts"
import { type StubOptions, startSqsStub } from "../sqs-stub.ts"
import { createHurriedClock } from "./manual-clock.ts"

export const TRANSPORTS = ["lean", "stock"] as const
export const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI" }

type More = Partial<SqsSourceOptions>

/** A source on a queue of its own, in fauxqs. Both are closed when the test ends. */
export async function setUpQueue(options: QueueOptions, more: More = {}) {
  const queue = await createQueue(options)
  onTestFinished(() => queue.close())
  return { queue, ...(await setUpSource({ queueUrl: queue.url, ...more })) }
}

/** A source on a queue that misbehaves as told, not waiting before it tries again. Both are closed with the test. */
export async function setUpStub(options: StubOptions, more: More = {}) {
  const stub = await startSqsStub(options)
  onTestFinished(() => stub.close())
  return { stub, ...(await setUpSource({ queueUrl: stub.url, clock: createHurriedClock(), ...more })) }
}

/** @param finished - A concurrent test has to say which test it is. */
export async function setUpSource(
  options: More & { queueUrl: string },
  finished: TestContext["onTestFinished"] = onTestFinished,
) {
  const retries: SourceRetry[] = []
  const source = await createSqsSource({
    region: "us-east-1",
    visibilitySeconds: 30,
    credentials: CREDENTIALS,
    onRetry: (retry) => retries.push(retry),
    ...options,
  })
  finished(() => source.close())
  return { source, retries }
}
