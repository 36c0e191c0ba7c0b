import { describe, expect, onTestFinished, test, vi } from "vitest"
import { UserError } from "../../src/errors.ts"
import type { Source } from "../../src/source/source.ts"
import { createSqsClient, type SqsClientOptions } from "../../src/source/sqs-client.ts"
import { createAuthority } from "../certificate.ts"
import { failure, type SqsStub, type StubCall, type StubOptions, startSqsStub } from "../sqs-stub.ts"
import { CREDENTIALS, setUpSource, setUpStub, TRANSPORTS } from "./set-up.ts"
import { expectedSignature, sha256, signatureOf } from "./signature.ts"

const SESSION = { ...CREDENTIALS, sessionToken: "FwoGZXIvYXdzEBYaD//+token==" }
const BODIES = ["{}", '{"name":"Žofie \u{1f600}"}', 'tab\tquote"backslash\\']

/** Headers that SQS looks at. The rest of what the SDK sends tells AWS of itself. */
const MATTERING = [
  "host",
  "content-type",
  "content-length",
  "x-amz-target",
  "x-amzn-query-mode",
  "x-amz-security-token",
]

/** Everything a drain asks of its source, in a fixed order. */
async function drainOnce(source: Source) {
  const { deliveries, damaged } = await source.receive(10, 0)
  const extended = await source.extend(deliveries, 60)
  const acknowledged = await source.acknowledge(deliveries)
  const contents = deliveries.map(({ body, receiveCount, sentAtMs }) => ({ body, receiveCount, sentAtMs }))
  return {
    contents,
    damaged,
    extended,
    acknowledged,
    counts: await source.counts(),
    facts: await source.facts(),
  }
}

function mattering({ method, path, headers, body }: StubCall) {
  expect(headers["user-agent"]).toContain("peppermill")
  expect(headers["x-amz-content-sha256"]).toBe(sha256(body))
  const kept = MATTERING.map((name) => [name, headers[name]])
  // Receipts are the stub's, and differ.
  return {
    method,
    path,
    headers: Object.fromEntries(kept),
    body: body.replace(/[0-9a-f-]{36}#\d+/g, "receipt"),
  }
}

const keyOf = ({ headers }: StubCall) => /Credential=(\w+)/.exec(String(headers.authorization))?.[1]

describe("the lean transport is the stock one, only cheaper", () => {
  test.each([
    ["keys alone", CREDENTIALS, ""],
    ["a session token", SESSION, ""],
    ["an endpoint with a path", CREDENTIALS, "/a b/sqs"],
  ])("with %s: the same requests, the same results", async (_name, credentials, path) => {
    const seen = []
    for (const transport of TRANSPORTS) {
      const stub = await startSqsStub({ port: seen.length === 0 ? 0 : (seen[0]?.port as number) })
      stub.send(BODIES, 1_700_000_000_000)
      const endpoint = `${stub.endpoint}${path}`
      const { source } = await setUpSource({ queueUrl: stub.url, endpoint, credentials, transport })
      const results = await drainOnce(source)
      source.close()
      await stub.close()
      seen.push({ port: Number(new URL(stub.endpoint).port), results, requests: stub.log.map(mattering) })
    }
    const [lean, stock] = seen
    expect(lean?.results.contents.map(({ body }) => body)).toEqual(BODIES)
    expect(lean?.results).toEqual(stock?.results)
    expect(lean?.requests).toHaveLength(5)
    expect(lean?.requests).toEqual(stock?.requests)
  })

  // The stock stack's signature proves the test's own arithmetic.
  test.each(TRANSPORTS)(
    "over %s every request has a valid signature over all that matters",
    async (transport) => {
      const { stub, source } = await setUpStub(
        {},
        { transport, credentials: SESSION, region: "eu-central-1" },
      )
      stub.send(BODIES)
      await drainOnce(source)
      for (const call of stub.log) {
        expect(signatureOf(call.headers)).toBe(
          expectedSignature(call, SESSION.secretAccessKey, "eu-central-1"),
        )
        const signed = /SignedHeaders=([^,]+)/.exec(String(call.headers.authorization))?.[1]?.split(";")
        for (const name of ["host", "content-type", "x-amz-date", "x-amz-target", "x-amz-security-token"]) {
          expect(signed).toContain(name)
        }
      }
      expect(stub.log).toHaveLength(5)
    },
  )

  test.each(TRANSPORTS)("over %s a path with escapes is signed as AWS reads it", async (transport) => {
    const stub = await startSqsStub()
    onTestFinished(() => stub.close())
    const endpoint = `${stub.endpoint}/a b/sqs`
    const { source } = await setUpSource({ queueUrl: stub.url, endpoint, transport })
    await source.receive(10, 0)
    const [call] = stub.log
    expect(call?.path).toBe("/a%20b/sqs/")
    expect(signatureOf((call as StubCall).headers)).toBe(
      expectedSignature(call as StubCall, CREDENTIALS.secretAccessKey, "us-east-1"),
    )
  })

  test("every error is judged alike", async () => {
    const errors = [
      failure("QueueDoesNotExist", 400, "gone", "AWS.SimpleQueueService.NonExistentQueue"),
      failure("AccessDeniedException", 403),
      failure("InvalidSignatureException", 403, "Signature expired: 20260101T000000Z is now earlier than …"),
      failure("InvalidSignatureException", 403, "The request signature we calculated does not match"),
      failure("KmsThrottled", 400, "", "KMS.ThrottlingException"),
      failure("OverLimit", 403),
      failure("SomethingNew", 400),
      failure("SomethingNew", 500),
      { json: { message: "no type" }, status: 400 },
      { json: { __type: "QueueDoesNotExist" }, status: 400 },
      { json: [], status: 400 },
      { text: "", status: 400 },
      { text: "<html>", status: 502 },
    ]
    const judged = []
    for (const transport of TRANSPORTS) {
      const verdicts = []
      for (const answer of errors) {
        const { source, retries } = await setUpStub({ script: () => answer }, { transport })
        const error = await source.receive(10, 0).then(
          () => null,
          (thrown: unknown) => thrown as UserError,
        )
        expect(error).toBeInstanceOf(UserError)
        verdicts.push([error?.kind, error?.message, error?.hint, retries[0]?.code])
      }
      judged.push(verdicts)
    }
    expect(judged[0]).toEqual(judged[1])
  })

  test.each(TRANSPORTS)("over %s expiring credentials are renewed, and asked for once", async (transport) => {
    let asked = 0
    const credentials = async () => {
      asked++
      // The SDK renews what lasts less than five minutes.
      const expiration = new Date(Date.now() + (asked === 1 ? 60_000 : 3_600_000))
      return { accessKeyId: `KEY${asked}`, secretAccessKey: `secret${asked}`, expiration }
    }
    const { stub, source } = await setUpStub({}, { transport, credentials })
    for (let call = 0; call < 4; call++) await source.receive(10, 0)
    expect(asked).toBe(2)
    expect(stub.log.map(keyOf).slice(1)).toEqual(["KEY2", "KEY2", "KEY2"])
    for (const call of stub.log.slice(1)) {
      expect(signatureOf(call.headers)).toBe(expectedSignature(call, "secret2", "us-east-1"))
    }
  })
})

describe.each(TRANSPORTS)("an attempt that is given up, over the %s transport,", (transport) => {
  const INPUT = { QueueUrl: "", WaitTimeSeconds: 20 }

  async function setUpClient(options: StubOptions, credentials: SqsClientOptions["credentials"]) {
    const stub = await startSqsStub(options)
    const { endpoint, region } = stub
    const client = await createSqsClient({ endpoint, region, transport, credentials })
    onTestFinished(async () => {
      client.close()
      await stub.close()
    })
    return { stub, client }
  }

  test("does not stay with the queue, where it would take messages nobody reads", async () => {
    const { stub, client } = await setUpClient({}, CREDENTIALS)
    await expect(client.receive(INPUT, 200)).rejects.toThrow("no answer in 200 ms")
    await vi.waitFor(() => expect(stub.pending()).toBe(0))
    expect(stub.log).toHaveLength(1)
  })

  test("is not sent after all, when it was still waiting for credentials", async () => {
    const { promise, resolve } = Promise.withResolvers<typeof CREDENTIALS>()
    const { stub, client } = await setUpClient({}, () => promise)
    const first = client.receive(INPUT, 50)
    await expect(first).rejects.toThrow("no answer in 50 ms")
    const second = client.receive({ ...INPUT, WaitTimeSeconds: 0 }, 2000)
    resolve(CREDENTIALS)
    await second
    expect(stub.log.map(({ input }) => input.WaitTimeSeconds)).toEqual([0])
  })

  test("does not become another attempt with the same input", async () => {
    const { promise, resolve } = Promise.withResolvers<typeof CREDENTIALS>()
    const { stub, client } = await setUpClient({}, () => promise)
    const input = { ...INPUT, WaitTimeSeconds: 0 }
    await expect(client.receive(input, 50)).rejects.toThrow("no answer in 50 ms")
    const second = client.receive(input, 2000)
    resolve(CREDENTIALS)
    await second
    expect(stub.log).toHaveLength(1)
  })
})

describe.each(TRANSPORTS)("when this machine's clock is wrong, the %s transport", (transport) => {
  /** As strict as SQS, which allows five minutes. */
  const strictAt =
    (aheadMs: number): NonNullable<StubOptions["script"]> =>
    ({ headers }) => {
      const time = String(headers["x-amz-date"]).replace(/(....)(..)(..T..)(..)(..Z)/, "$1-$2-$3:$4:$5")
      const isClose = Math.abs(Date.now() + aheadMs - Date.parse(time)) < 300_000
      return isClose ? undefined : failure("RequestTimeTooSkewed", 403)
    }

  test.each([20, -20])("signs with the server's time instead (%d minutes)", async (minutes) => {
    const aheadMs = minutes * 60_000
    const { stub, source, retries } = await setUpStub({ aheadMs, script: strictAt(aheadMs) }, { transport })
    stub.send(BODIES)
    expect((await source.receive(10, 0)).deliveries).toHaveLength(3)
    expect(retries).toMatchObject([{ code: "RequestTimeTooSkewed", attempt: 1 }])
    await source.counts()
    expect(stub.log).toHaveLength(3)
  })

  test("says so plainly when that does not help", async () => {
    const script = () => failure("RequestTimeTooSkewed", 403)
    const { stub, source } = await setUpStub({ aheadMs: 1_200_000, script }, { transport })
    await expect(source.receive(10, 0)).rejects.toMatchObject({
      kind: "config",
      message: expect.stringContaining("this machine's clock is wrong"),
    })
    expect(stub.log).toHaveLength(2)
  })
})

describe.each(TRANSPORTS)("over TLS, the %s transport", (transport) => {
  const authority = createAuthority()

  async function setUpTls(host: string, ca: string | undefined): Promise<{ stub: SqsStub; source: Source }> {
    const stub = await startSqsStub({ tls: authority.issue(host) })
    onTestFinished(() => stub.close())
    const { source } = await setUpSource({ queueUrl: stub.url, ca, transport, giveUpMs: 0 })
    return { stub, source }
  }

  test("speaks to a server whose authority it was told to trust", async () => {
    const { stub, source } = await setUpTls("127.0.0.1", authority.ca)
    stub.send(BODIES)
    expect((await drainOnce(source)).contents).toHaveLength(3)
  })

  test.each([
    ["an unknown authority", "127.0.0.1", undefined],
    ["another authority of the same name", "127.0.0.1", createAuthority().ca],
    ["another host's certificate", "sqs.us-east-1.amazonaws.com", authority.ca],
  ])("tells a server with %s nothing, whatever the environment says", async (_name, host, ca) => {
    vi.stubEnv("NODE_TLS_REJECT_UNAUTHORIZED", "0")
    onTestFinished(() => void vi.unstubAllEnvs())
    const { stub, source } = await setUpTls(host, ca)
    await expect(source.receive(10, 0)).rejects.toMatchObject({
      kind: "config",
      message: expect.stringContaining("is not trusted"),
    })
    expect(stub.log).toEqual([])
  })
})
