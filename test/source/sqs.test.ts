import { spawnSync } from "node:child_process"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, onTestFinished, test, vi } from "vitest"
import type { Delivery, Source } from "../../src/source/source.ts"
import { createQueue, type QueueOptions } from "../queue.ts"
import { startSqsStub } from "../sqs-stub.ts"
import { setUpQueue, setUpSource, TRANSPORTS } from "./set-up.ts"

const bodies = (count: number) => Array.from({ length: count }, (_, index) => `{"n":${index}}`)

async function receiveAll(source: Source, count: number): Promise<Delivery[]> {
  const deliveries: Delivery[] = []
  while (deliveries.length < count) deliveries.push(...(await source.receive(10, 1)).deliveries)
  return deliveries
}

describe.each(TRANSPORTS)("the SQS source over the %s transport", (transport) => {
  const setUp = (options: QueueOptions = {}) => setUpQueue(options, { transport })

  test("receives what was sent, with the queue's own time and count", async () => {
    const { queue, source } = await setUp()
    const beforeMs = Date.now()
    const body = '{"user_id":"u","name":"Žofie 世界\\u0000\t"}'
    const [id] = queue.send([body])

    const { deliveries, damaged } = await source.receive(10, 1)

    expect(damaged).toBe(0)
    expect(deliveries).toEqual([
      { id, body, receiveCount: 1, sentAtMs: expect.any(Number), receipt: expect.any(String) },
    ])
    expect(deliveries[0]?.sentAtMs).toBeGreaterThanOrEqual(beforeMs)
    expect(deliveries[0]?.sentAtMs).toBeLessThanOrEqual(Date.now())
  })

  test("receives no more than it is asked for", async () => {
    const { queue, source } = await setUp()
    queue.send(bodies(12))
    expect((await source.receive(3, 1)).deliveries).toHaveLength(3)
    expect((await source.receive(10, 1)).deliveries).toHaveLength(9)
  })

  test("an empty queue gives nothing, once the wait is over", async () => {
    const { source } = await setUp()
    const startMs = performance.now()
    expect(await source.receive(10, 1)).toEqual({ deliveries: [], damaged: 0 })
    expect(performance.now() - startMs).toBeGreaterThan(900)
  })

  test("a long poll ends as soon as a message comes", async () => {
    const { queue, source } = await setUp()
    const startMs = performance.now()
    const polled = source.receive(10, 5)
    await sleep(300)
    queue.send(bodies(1))
    expect((await polled).deliveries).toHaveLength(1)
    expect(performance.now() - startMs).toBeLessThan(4500)
  })

  test("acknowledges any number of messages, ten by ten", async () => {
    const { queue, source } = await setUp()
    queue.send(bodies(335))
    const deliveries = await receiveAll(source, 335)
    expect(await source.acknowledge(deliveries)).toEqual([])
    expect(queue.inspect()).toEqual({ ready: [], delayed: [], inFlight: [] })
  })

  test("acknowledges nothing when there is nothing to acknowledge", async () => {
    const { source } = await setUp()
    expect(await source.acknowledge([])).toEqual([])
  })

  test("hides messages for its own time, whatever the queue's own setting", async () => {
    const { queue, source } = await setUp({ visibilitySeconds: 0 })
    queue.send(bodies(1))
    await source.receive(10, 1)
    expect((await source.receive(10, 1)).deliveries).toEqual([])
    expect(queue.inspect().inFlight).toHaveLength(1)
  })

  test("hands messages back at once, and counts their receives", async () => {
    const { queue, source } = await setUp()
    queue.send(bodies(25))
    expect(await source.extend(await receiveAll(source, 25), 0)).toEqual([])
    const again = await receiveAll(source, 25)
    expect(again.map(({ receiveCount }) => receiveCount)).toEqual(Array.from({ length: 25 }, () => 2))
  })

  test("extending tells whose receipt is no longer good", async () => {
    const { queue, source } = await setUp()
    queue.send(bodies(12))
    const deliveries = await receiveAll(source, 12)
    const gone = deliveries.slice(3, 5)
    await source.acknowledge(gone)
    expect(await source.extend(deliveries, 30)).toEqual(gone)
  })

  test("a message that is received too often goes to the dead-letter queue", async () => {
    const { queue, source } = await setUp({ maxReceiveCount: 2 })
    queue.send(bodies(1))
    for (let round = 0; round < 2; round++) {
      const { deliveries } = await source.receive(10, 1)
      expect(deliveries).toHaveLength(1)
      await source.extend(deliveries, 0)
    }
    expect((await source.receive(10, 1)).deliveries).toEqual([])
    expect(queue.deadLetters().ready).toHaveLength(1)
  })

  test("counts what is visible, held and delayed", async () => {
    const { queue, source } = await setUp()
    queue.send(bodies(15))
    queue.send(bodies(2), { delaySeconds: 60 })
    await source.receive(10, 1)
    expect(await source.counts()).toEqual({ visible: 5, inFlight: 10, delayed: 2 })
  })

  test("knows the facts of a queue with a dead-letter queue", async () => {
    const { source } = await setUp({ visibilitySeconds: 7, maxReceiveCount: 4 })
    expect(await source.facts()).toEqual({
      fifo: false,
      visibilitySeconds: 7,
      retentionSeconds: 345_600,
      maxReceiveCount: 4,
      deadLetterQueueArn: expect.stringMatching(/:logins-dead$/),
    })
  })

  test("knows the facts of a FIFO queue without one", async () => {
    const { source } = await setUp({ fifo: true })
    const facts = await source.facts()
    expect(facts).toMatchObject({ fifo: true, maxReceiveCount: null, deadLetterQueueArn: null })
  })

  test("a delete does not wait for long polls to end, however many there are", async () => {
    const { queue, source } = await setUp()
    queue.send(bodies(1))
    const { deliveries } = await source.receive(10, 1)
    const polls = Array.from({ length: 80 }, () => source.receive(10, 4))
    await sleep(200)
    const startMs = performance.now()
    expect(await source.acknowledge(deliveries)).toEqual([])
    expect(performance.now() - startMs).toBeLessThan(3500)
    await Promise.all(polls)
  })

  test("a queue that is deleted while we drain it is an error of the configuration", async () => {
    const { queue, source } = await setUp()
    queue.send(bodies(1))
    const { deliveries } = await source.receive(10, 1)
    queue.remove()
    for (const call of [source.receive(10, 1), source.acknowledge(deliveries), source.counts()]) {
      await expect(call).rejects.toMatchObject({
        name: "UserError",
        kind: "config",
        message: expect.stringContaining("queue logins does not exist"),
      })
    }
  })

  test("neither the environment nor the queue url sends requests elsewhere than to the endpoint", async () => {
    const trap = await startSqsStub()
    onTestFinished(() => trap.close())
    const names = [
      "AWS_ENDPOINT_URL",
      "AWS_ENDPOINT_URL_SQS",
      "AWS_USE_FIPS_ENDPOINT",
      "AWS_USE_DUALSTACK_ENDPOINT",
    ]
    const values = [trap.endpoint, trap.endpoint, "true", "true"]
    for (const [index, name] of names.entries()) vi.stubEnv(name, values[index])
    onTestFinished(() => void vi.unstubAllEnvs())
    const queue = await createQueue()
    onTestFinished(() => queue.close())
    queue.send(bodies(1))

    const { source } = await setUpSource({
      queueUrl: trap.url,
      endpoint: queue.endpoint,
      transport,
    })

    expect((await source.receive(10, 1)).deliveries).toHaveLength(1)
    expect(trap.log).toEqual([])
  })
})

/** Run a module in a Node of its own. */
function run(script: string): { stdout: string; stderr: string } {
  const { stdout, stderr } = spawnSync(process.execPath, ["--input-type=module", "-e", script], {
    encoding: "utf8",
  })
  return { stdout, stderr }
}

test("the AWS SDK and undici are loaded only when a source is made", () => {
  const { stdout } = run(`
    import { createSqsSource } from "./src/source/sqs.ts"
    import module from "node:module"
    const loaded = () => Object.keys(module._cache).some((name) => /@aws-sdk|@smithy|undici/.test(name))
    const before = loaded()
    await createSqsSource({ queueUrl: "http://127.0.0.1:1/0/q", region: "r", visibilitySeconds: 1, onRetry() {} })
    console.log(JSON.stringify([before, loaded()]))`)
  expect(JSON.parse(stdout)).toEqual([false, true])
})

test("nothing is written to the terminal by the libraries, whatever goes wrong", () => {
  const output = run(`
    import { createSqsSource } from "./src/source/sqs.ts"
    for (const transport of ["lean", "stock"]) {
      const source = await createSqsSource({ queueUrl: "http://other.invalid/0/q", endpoint: "http://127.0.0.1:1",
        region: "us-east-1", visibilitySeconds: 1, transport, giveUpMs: 0, onRetry() {},
        credentials: { accessKeyId: "a", secretAccessKey: "b" } })
      await Promise.all(Array.from({ length: 120 }, () => source.receive(10, 1).catch(() => {})))
      source.close()
    }`)
  expect(output).toEqual({ stdout: "", stderr: "" })
})
