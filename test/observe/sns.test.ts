import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { parseTopicArn, type Topic } from "../../src/config/topic-arn.ts"
import type { Alert } from "../../src/observe/alert.ts"
import { createSnsSender, subjectOf } from "../../src/observe/sns.ts"
import { checkTopic } from "../../src/observe/topic-check.ts"
import { refusal } from "../config/scenario.ts"
import { createTopic } from "./topic.ts"

const ALERT: Alert = {
  kind: "recovery",
  state: "alarm",
  words: "alice recovered 2 originals",
  request: "0b9f7a52-7c1f-4b8e-9c70-9a3a2f7f1c55",
  actor: "alice",
  count: 2,
}
const ABOUT = { service: "peppermill", queue: "logins", run: "r1" }
const topicOf = (arn: string) => parseTopicArn(arn) as Topic

beforeEach(() => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", "test")
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "test")
})
afterEach(() => vi.unstubAllEnvs())

describe("an alert", () => {
  test.each([false, true])(
    "reaches who has subscribed, in words and for machines (FIFO: %s)",
    async (fifo) => {
      const topic = await createTopic({ fifo })
      onTestFinished(topic.close)
      const send = createSnsSender({ topic: topicOf(topic.arn), endpoint: topic.endpoint, about: ABOUT })
      await send(ALERT)
      // The same again is news to a topic that drops what it has heard already.
      await send(ALERT)
      const heard = {
        subject: "peppermill: recovery alarm (logins)",
        message: { schema: 1, time: expect.stringMatching(/^\d{4}-.*Z$/), ...ABOUT, ...ALERT },
        attributes: { kind: "recovery", state: "alarm", service: "peppermill", queue: "logins" },
      }
      expect(topic.heard()).toEqual([heard, heard])
    },
  )

  test("goes to the configured endpoint, whatever the environment says", async () => {
    const topic = await createTopic()
    onTestFinished(topic.close)
    vi.stubEnv("AWS_ENDPOINT_URL", "http://127.0.0.1:1")
    vi.stubEnv("AWS_ENDPOINT_URL_SNS", "http://127.0.0.1:1")
    const send = createSnsSender({ topic: topicOf(topic.arn), endpoint: topic.endpoint, about: ABOUT })
    await send(ALERT)
    expect(topic.heard()).toHaveLength(1)
  })

  test("to a topic that is not there, or a server that hangs, is an error in time", async () => {
    const topic = await createTopic()
    onTestFinished(topic.close)
    const wrong = topicOf("arn:aws:sns:us-east-1:000000000000:nobody")
    await expect(
      createSnsSender({ topic: wrong, endpoint: topic.endpoint, about: ABOUT })(ALERT),
    ).rejects.toThrow(expect.objectContaining({ name: "NotFoundException" }))
    const hanging = createServer(() => {}).listen(0, "127.0.0.1")
    onTestFinished(() => {
      hanging.close()
      hanging.closeAllConnections()
    })
    await new Promise((resolve) => hanging.once("listening", resolve))
    const { port } = hanging.address() as AddressInfo
    const started = performance.now()
    const send = createSnsSender({
      topic: topicOf(topic.arn),
      endpoint: `http://127.0.0.1:${port}`,
      about: ABOUT,
    })
    await expect(send(ALERT)).rejects.toThrow()
    expect(performance.now() - started).toBeLessThan(15_000)
  })
})

describe("a subject", () => {
  test.each([
    ["peppermill", "logins", "peppermill: dead-letters ok (logins)"],
    ["peppermill", null, "peppermill: dead-letters ok"],
    ["x".repeat(64), "q".repeat(80), `${"x".repeat(64)}: dead-letters ok (${"q".repeat(16)}`],
    ["a\nb\u202e", "\u{1f600}\u0007", "a?b?: dead-letters ok (???)"],
  ])(
    "of service %j and queue %j is ASCII, in one line, shorter than 100 characters",
    (service, queue, subject) => {
      expect(subjectOf({ kind: "dead-letters", state: "ok" }, { service, queue })).toBe(subject)
      expect(subject).toMatch(/^[\x20-\x7e]{1,99}$/)
    },
  )
})

describe("the check of a topic", () => {
  test("counts its subscriptions and publishes nothing", async () => {
    for (const subscribed of [true, false]) {
      const topic = await createTopic({ subscribed })
      onTestFinished(topic.close)
      expect(await checkTopic(topicOf(topic.arn), topic.endpoint)).toBe(subscribed ? 1 : 0)
      expect(topic.heard()).toEqual([])
    }
  })

  test("says that there is none, or no answer", async () => {
    const topic = await createTopic()
    onTestFinished(topic.close)
    const wrong = topicOf("arn:aws:sns:us-east-1:000000000000:nobody")
    expect(await refusal(checkTopic(wrong, topic.endpoint))).toMatchObject({ kind: "config" })
    expect(await refusal(checkTopic(wrong, "http://127.0.0.1:1"))).toMatchObject({ kind: "unavailable" })
  })

  test.each([
    ["AuthorizationError", 403, null],
    ["InvalidClientTokenId", 403, "permission"],
    ["InternalError", 500, "unavailable"],
  ])("makes of %s what it means", async (code, status, meaning) => {
    const body = `<ErrorResponse><Error><Type>Sender</Type><Code>${code}</Code><Message>198.51.100.7</Message></Error></ErrorResponse>`
    const server = createServer((_, response) => {
      response.writeHead(status, { "content-type": "text/xml" }).end(body)
    }).listen(0, "127.0.0.1")
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once("listening", resolve))
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const topic = topicOf("arn:aws:sns:us-east-1:000000000000:alerts")
    if (meaning === null) expect(await checkTopic(topic, endpoint)).toBeNull()
    else {
      const error = await refusal(checkTopic(topic, endpoint))
      expect(error.kind).toBe(meaning)
      expect(error.message).not.toContain("198.51")
    }
  })
})
