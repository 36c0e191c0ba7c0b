import { type AddressInfo, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, type TestContext, test } from "vitest"
import { UserError } from "../../src/errors.ts"
import type { Source } from "../../src/source/source.ts"
import { failure, type StubAnswer, type StubCall, type StubOptions } from "../sqs-stub.ts"
import { setUpSource, setUpStub, TRANSPORTS } from "./set-up.ts"

const CANARY = "203.0.113.77"
const BODY = `{"ip":"${CANARY}"}`

/** Answers by turns; after the last, the queue itself answers. */
function inTurn(operation: string, answers: readonly StubAnswer[]): NonNullable<StubOptions["script"]> {
  const rest = [...answers]
  return (call) => (call.operation === operation ? rest.shift() : undefined)
}

const always =
  (answer: StubAnswer): NonNullable<StubOptions["script"]> =>
  () =>
    answer

async function errorOf(promise: Promise<unknown>): Promise<UserError> {
  const error = await promise.then(
    () => null,
    (thrown: unknown) => thrown,
  )
  expect(error).toBeInstanceOf(UserError)
  return error as UserError
}

const count = (log: readonly StubCall[], operation: string) =>
  log.filter((call) => call.operation === operation).length

const ALL_CALLS: [string, (source: Source) => Promise<unknown>][] = [
  ["receive", (source) => source.receive(10, 0)],
  ["delete", (source) => source.acknowledge([DELIVERY])],
  ["extend", (source) => source.extend([DELIVERY], 30)],
  ["attributes", (source) => source.counts()],
  ["attributes", (source) => source.facts()],
]
const DELIVERY = { id: "m", body: BODY, receipt: "m#1", receiveCount: 1, sentAtMs: 0 }

describe.each(TRANSPORTS)("over the %s transport, against a queue that fails", (transport) => {
  test.each<[string, StubAnswer, string]>([
    ["throttled", failure("RequestThrottled", 400), "RequestThrottled"],
    ["throttled by status", { text: "slow down", status: 429 }, "Http429"],
    ["a broken server", failure("InternalError", 500), "InternalError"],
    ["a load balancer's page", { text: "<h1>503</h1>", status: 503 }, "Http503"],
    ["a truncated answer", "cut", expect.any(String)],
    ["a lost connection", "reset", expect.any(String)],
  ])("%s: the call is made again, and told", async (_name, answer, code) => {
    const { stub, source, retries } = await setUpStub(
      { script: inTurn("ReceiveMessage", [answer]) },
      { transport },
    )
    stub.send([BODY])
    expect((await source.receive(10, 0)).deliveries).toHaveLength(1)
    expect(retries).toEqual([{ call: "receive", code, attempt: 1, delayMs: expect.any(Number) }])
  })

  test.each(ALL_CALLS)("%s gives up a server that stays broken: unavailable", async (call, make) => {
    const script = always(failure("ServiceUnavailable", 503, BODY))
    const { source, retries } = await setUpStub({ script }, { transport })
    const error = await errorOf(make(source))
    expect(error).toMatchObject({
      kind: "unavailable",
      message: `queue logins does not answer (${call}: ServiceUnavailable)`,
    })
    expect(error.cause).toBeUndefined()
    expect(retries.length).toBeGreaterThan(0)
  })

  test("nobody listening: unavailable, after the time given for it", async () => {
    const { source, retries } = await setUpSource({
      queueUrl: "http://127.0.0.1:1/0/logins",
      giveUpMs: 400,
      transport,
    })
    const startMs = performance.now()
    expect(await errorOf(source.receive(10, 0))).toMatchObject({
      kind: "unavailable",
      message: "queue logins does not answer (receive: ECONNREFUSED)",
    })
    expect(performance.now() - startMs).toBeLessThan(5000)
    expect(retries[0]).toMatchObject({ call: "receive", code: "ECONNREFUSED", attempt: 1 })
  })

  test.each<[string, StubAnswer]>([
    ["a web page", { text: `<html>${BODY}</html>` }],
    ["messages that are no list", { json: { Messages: BODY } }],
    ["a page with status 404", { text: `<html>${BODY}</html>`, status: 404 }],
  ])("%s in place of an answer: unavailable, and nothing of it is repeated", async (_name, answer) => {
    const { stub, source, retries } = await setUpStub({ script: always(answer) }, { transport })
    const error = await errorOf(source.receive(10, 0))
    expect(error.kind).toBe("unavailable")
    expect(`${error.stack} ${error.hint} ${JSON.stringify(retries)}`).not.toContain(CANARY)
    expect(error.cause).toBeUndefined()
    // Each of these answers may have hidden ten messages.
    expect(stub.log.length).toBeLessThanOrEqual(3)
  })

  test.each<[string, UserError["kind"], string, string | undefined]>([
    ["QueueDoesNotExist", "config", "does not exist", "AWS.SimpleQueueService.NonExistentQueue"],
    ["InvalidAddress", "config", "does not exist", undefined],
    ["RequestTimeTooSkewed", "config", "clock", undefined],
    ["AccessDenied", "permission", "not allowed", undefined],
    ["AccessDeniedException", "permission", "not allowed", undefined],
    ["InvalidClientTokenId", "permission", "credentials", undefined],
    ["UnrecognizedClientException", "permission", "credentials", undefined],
    ["ExpiredToken", "permission", "credentials", undefined],
    ["SignatureDoesNotMatch", "permission", "credentials", undefined],
    ["KmsAccessDenied", "permission", "encryption key", "KMS.AccessDeniedException"],
    ["InvalidParameterValue", "config", "refuses", "AWS.SimpleQueueService.InvalidParameterValue"],
  ])("%s stops at once: %s", async (code, kind, words, queryCode) => {
    const script = always(failure(code, 400, BODY, queryCode))
    const { stub, source, retries } = await setUpStub({ script }, { transport })
    const error = await errorOf(source.receive(10, 0))
    expect(error.kind).toBe(kind)
    expect(error.message).toContain(words)
    expect(error.message).toContain("queue logins")
    expect(error.hint).toBeDefined()
    expect(`${error.stack} ${error.hint}`).not.toContain(CANARY)
    expect(retries).toEqual([])
    expect(stub.log).toHaveLength(1)
  })

  test("a permission that is missing is named", async () => {
    const { source } = await setUpStub({ script: always(failure("AccessDenied", 403)) }, { transport })
    const hints = await Promise.all(ALL_CALLS.map(async ([, make]) => (await errorOf(make(source))).hint))
    expect(hints.map((hint) => hint?.match(/sqs:\w+/)?.[0])).toEqual([
      "sqs:ReceiveMessage",
      "sqs:DeleteMessage",
      "sqs:ChangeMessageVisibility",
      "sqs:GetQueueAttributes",
      "sqs:GetQueueAttributes",
    ])
  })

  test("no credentials at all: permission", async () => {
    const credentials = async () => {
      throw Object.assign(new Error(`tried ${CANARY}`), { name: "CredentialsProviderError" })
    }
    const { stub, source } = await setUpStub({}, { transport, credentials })
    const error = await errorOf(source.receive(10, 0))
    expect(error).toMatchObject({ kind: "permission", message: expect.stringContaining("credentials") })
    expect(error.stack).not.toContain(CANARY)
    expect(stub.log).toEqual([])
  })

  test("the name of an error is printed only if it looks like one", async () => {
    const script = always({ status: 500, json: { __type: `com.amazonaws.sqs#\u001b]0;${CANARY}\u0007` } })
    const { source, retries } = await setUpStub({ script }, { transport })
    const error = await errorOf(source.receive(10, 0))
    expect(error.message).toBe("queue logins does not answer (receive: UnknownError)")
    expect(retries.every(({ code }) => code === "UnknownError")).toBe(true)
  })

  test("one message of ten with a wrong checksum is damaged, the nine are not", async () => {
    const { stub, source } = await setUpStub(
      {
        script: async (call, queue) => {
          if (call.operation !== "ReceiveMessage") return undefined
          const messages = await queue.receive(10, 0, 30)
          return {
            json: { Messages: messages.map((m, at) => (at === 4 ? { ...m, MD5OfBody: "0".repeat(32) } : m)) },
          }
        },
      },
      { transport },
    )
    stub.send(Array.from({ length: 10 }, (_, index) => `${index}`))
    const { deliveries, damaged } = await source.receive(10, 0)
    expect(deliveries.map(({ body }) => body)).toEqual(["0", "1", "2", "3", "5", "6", "7", "8", "9"])
    expect(damaged).toBe(1)
  })

  test.each<[string, "damaged" | "good", object | null]>([
    ["no message id", "damaged", { MessageId: null }],
    ["an empty message id", "damaged", { MessageId: "" }],
    ["no receipt handle", "damaged", { ReceiptHandle: null }],
    ["no checksum", "good", { MD5OfBody: null }],
    ["nothing at all", "damaged", null],
  ])("a message with %s is %s, and spoils no other", async (_name, verdict, change) => {
    const good = { MessageId: "m", ReceiptHandle: "r", Body: BODY, Attributes: { SentTimestamp: "7" } }
    const message = change && { ...good, ...change }
    const { source } = await setUpStub(
      { script: always({ json: { Messages: [message, good] } }) },
      { transport },
    )
    const { deliveries, damaged } = await source.receive(10, 0)
    expect(damaged).toBe(verdict === "damaged" ? 1 : 0)
    expect(deliveries.at(-1)).toEqual({ id: "m", body: BODY, receipt: "r", receiveCount: 1, sentAtMs: 7 })
  })

  test("a message whose time the queue does not say has the time of its receipt", async () => {
    const message = { MessageId: "m", ReceiptHandle: "r", Body: "" }
    const { source } = await setUpStub({ script: always({ json: { Messages: [message] } }) }, { transport })
    const beforeMs = Date.now()
    const { deliveries } = await source.receive(10, 0)
    expect(deliveries[0]).toMatchObject({ body: "", receiveCount: 1 })
    expect(deliveries[0]?.sentAtMs).toBeGreaterThanOrEqual(beforeMs)
  })

  test("eleven messages in one answer are eleven messages, deleted ten and one", async () => {
    const { stub, source } = await setUpStub(
      {
        script: async (call, queue) =>
          call.operation === "ReceiveMessage"
            ? { json: { Messages: await queue.receive(11, 0, 30) } }
            : undefined,
      },
      { transport },
    )
    stub.send(Array.from({ length: 11 }, (_, index) => `${index}`))
    const { deliveries } = await source.receive(10, 0)
    expect(deliveries).toHaveLength(11)
    expect(await source.acknowledge(deliveries)).toEqual([])
    const deletes = stub.log.filter(({ operation }) => operation === "DeleteMessageBatch")
    expect(deletes.map(({ input }) => input.Entries.length).toSorted()).toEqual([1, 10])
  })

  test("the same message twice in one receive is deleted by both receipts", async () => {
    const { stub, source } = await setUpStub({ doubled: 1 }, { transport })
    stub.send([BODY])
    const { deliveries } = await source.receive(10, 0)
    expect(deliveries).toHaveLength(2)
    expect(await source.acknowledge(deliveries)).toEqual([])
    expect(stub.queue.counts()).toEqual({ visible: 0, inFlight: 0 })
  })

  test("a delete by a superseded receipt is answered as done, and is not: the message comes again", async () => {
    const { stub, source } = await setUpStub({ visibilityMs: 20 }, { transport })
    stub.send([BODY])
    const first = await source.receive(10, 1)
    const second = await source.receive(10, 1)
    expect(second.deliveries[0]?.id).toBe(first.deliveries[0]?.id)
    expect(await source.acknowledge(first.deliveries)).toEqual([])
    const third = await source.receive(10, 1)
    expect(third.deliveries[0]).toMatchObject({ id: first.deliveries[0]?.id, receiveCount: 3 })
    expect(await source.acknowledge(third.deliveries)).toEqual([])
    expect((await source.receive(10, 0)).deliveries).toEqual([])
  })

  test("deletes that fail by no fault of ours are made again until they are done", async () => {
    let turn = 0
    const random = () => (turn++ % 3 === 0 ? 0 : 0.99)
    const { stub, source, retries } = await setUpStub({ failedDeletes: 0.5, random }, { transport })
    stub.send(Array.from({ length: 30 }, (_, index) => `${index}`))
    const deliveries = []
    while (deliveries.length < 30) deliveries.push(...(await source.receive(10, 0)).deliveries)
    expect(await source.acknowledge(deliveries)).toEqual([])
    expect(stub.queue.counts()).toEqual({ visible: 0, inFlight: 0 })
    expect(retries[0]).toMatchObject({ call: "delete", code: "BatchEntryFailed", attempt: 1 })
  })

  test("deletes that keep failing are given back, after five tries", async () => {
    const { stub, source } = await setUpStub({ failedDeletes: 1 }, { transport })
    stub.send([BODY])
    const { deliveries } = await source.receive(10, 0)
    expect(await source.acknowledge(deliveries)).toEqual(deliveries)
    expect(count(stub.log, "DeleteMessageBatch")).toBe(5)
  })

  test("a receipt that is no longer good is given back at once, and spoils no other", async () => {
    const { stub, source, retries } = await setUpStub({}, { transport })
    stub.send([BODY])
    const { deliveries } = await source.receive(10, 0)
    const bad = { ...DELIVERY, receipt: "garbage" }
    expect(await source.acknowledge([bad, ...deliveries])).toEqual([bad])
    expect(await source.extend([bad], 30)).toEqual([bad])
    expect(stub.queue.counts()).toEqual({ visible: 0, inFlight: 0 })
    expect(retries).toEqual([])
  })

  test("an entry that the answer does not name is not taken for done", async () => {
    const { stub, source } = await setUpStub(
      { script: inTurn("DeleteMessageBatch", [{ json: {} }, { json: { Successful: [], Failed: [] } }]) },
      { transport },
    )
    stub.send([BODY])
    const { deliveries } = await source.receive(10, 0)
    expect(await source.acknowledge(deliveries)).toEqual([])
    expect(count(stub.log, "DeleteMessageBatch")).toBe(3)
    expect(stub.queue.counts()).toEqual({ visible: 0, inFlight: 0 })
  })

  test.each<[string, object]>([
    ["a text for a list", { Successful: BODY }],
    ["a list of holes", { Successful: [], Failed: [null] }],
  ])("%s in the answer to a delete: unavailable, and nothing of it is repeated", async (_name, json) => {
    const { source } = await setUpStub({ script: always({ json }) }, { transport })
    const error = await errorOf(source.acknowledge([DELIVERY]))
    expect(error).toMatchObject({ kind: "unavailable" })
    expect(error.stack).not.toContain(CANARY)
  })

  test("a delete that is refused altogether begins no further ones", async () => {
    const script = inTurn("DeleteMessageBatch", Array(1000).fill(failure("AccessDenied", 403)))
    const { stub, source } = await setUpStub({ script }, { transport })
    const deliveries = Array.from({ length: 1000 }, (_, index) => ({ ...DELIVERY, id: `m${index}` }))
    await expect(source.acknowledge(deliveries)).rejects.toMatchObject({ kind: "permission" })
    expect(count(stub.log, "DeleteMessageBatch")).toBeLessThanOrEqual(32)
  })

  test("counts that are not all there are not zeros", async () => {
    const script = always({ json: { Attributes: { ApproximateNumberOfMessages: "0" } } })
    const { source } = await setUpStub({ script }, { transport })
    await expect(source.counts()).rejects.toMatchObject({ kind: "unavailable" })
  })

  test("facts that the queue does not name are SQS's defaults", async () => {
    const { source } = await setUpStub({ script: always({ json: {} }) }, { transport })
    expect(await source.facts()).toEqual({
      fifo: false,
      visibilitySeconds: 30,
      retentionSeconds: 345_600,
      maxReceiveCount: null,
      deadLetterQueueArn: null,
    })
  })

  test("no receive is made again once the source is closed", async () => {
    const { stub, source } = await setUpStub({ script: always("hang") }, { transport })
    const polled = errorOf(source.receive(10, 20))
    while (stub.log.length === 0) await sleep(10)
    source.close()
    expect((await polled).kind).toBe("unavailable")
    expect(stub.log).toHaveLength(1)
  })
})

test.each([
  ["queue.url", { queueUrl: "not a url: hunter2" }],
  ["queue.endpoint", { queueUrl: "http://127.0.0.1:1/0/q", endpoint: "hunter2" }],
])("a %s that is no url is an error of the configuration, and is not repeated", async (key, options) => {
  const error = await errorOf(setUpSource(options))
  expect(error).toMatchObject({ kind: "config", message: `${key} is not a url` })
  expect(error.stack).not.toContain("hunter2")
})

// The stock stack takes these for an answer without messages.
test.each<[string, StubAnswer]>([
  ["no body", { text: "" }],
  ["a JSON string", { json: BODY }],
  ["null", { json: null }],
])("%s in place of an answer: unavailable, over the lean transport", async (_name, answer) => {
  const { source } = await setUpStub({ script: always(answer) }, { transport: "lean" })
  const error = await errorOf(source.receive(10, 0))
  expect(error.kind).toBe("unavailable")
  expect(error.stack).not.toContain(CANARY)
})

const HALF_AN_ANSWER = "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\n{"

/** Accepts connections and says no more than this. */
async function listenSilently(finished: TestContext["onTestFinished"], greeting = ""): Promise<number> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket.on("error", () => {}))
    socket.write(greeting)
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  finished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return (server.address() as AddressInfo).port
}

async function expectGivenUp(call: Promise<unknown>): Promise<void> {
  const startMs = performance.now()
  expect(await errorOf(call)).toMatchObject({ kind: "unavailable" })
  expect(performance.now() - startMs).toBeLessThan(11_000)
}

describe.concurrent("given up in time, by every call over either transport, is", { timeout: 40_000 }, () => {
  const never = () => new Promise<never>(() => {})
  test.for([
    { what: "a server that never answers", scheme: "http", more: {} },
    { what: "a server that never shakes hands", scheme: "https", more: {} },
    { what: "an answer that stops half way", scheme: "http", more: { greeting: HALF_AN_ANSWER } },
    { what: "a wait for credentials", scheme: "http", more: { credentials: never } },
  ])("$what", async ({ scheme, more: { greeting, ...more } }, { onTestFinished: finished }) => {
    const port = await listenSilently(finished, greeting)
    const queueUrl = `${scheme}://127.0.0.1:${port}/0/logins`
    const sources = TRANSPORTS.map((transport) =>
      setUpSource({ queueUrl, giveUpMs: 0, transport, ...more }, finished),
    )
    const calls = (await Promise.all(sources)).flatMap(({ source }) =>
      ALL_CALLS.map(([, make]) => make(source)),
    )
    await Promise.all(calls.map(expectGivenUp))
  })
})
