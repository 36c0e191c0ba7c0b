import { describe, expect, test } from "vitest"
import { isLoopback } from "../../src/config/http-url.ts"
import { queueAddress } from "../../src/config/queue-url.ts"
import { load, refusal, wordsOf } from "./scenario.ts"

const NO_ENV = {}

async function queue(section: Record<string, unknown>) {
  const { config } = await load()
  return { ...config.queue, ...section }
}

describe("the queue's address", () => {
  test.each([
    ["https://sqs.eu-west-1.amazonaws.com/123456789012/logins", "eu-west-1"],
    ["https://sqs.us-gov-east-1.amazonaws.com/123456789012/logins", "us-gov-east-1"],
    ["https://sqs.cn-north-1.amazonaws.com.cn/123456789012/logins", "cn-north-1"],
    ["https://sqs.eusc-de-east-1.amazonaws.eu/123456789012/logins", "eusc-de-east-1"],
    ["https://sqs-fips.us-east-1.amazonaws.com/123456789012/logins", "us-east-1"],
    ["https://sqs.us-east-1.api.aws/123456789012/logins", "us-east-1"],
    ["https://vpce-0a1b-2c3d.sqs.us-east-1.vpce.amazonaws.com/123456789012/logins", "us-east-1"],
    ["https://us-west-2.queue.amazonaws.com/123456789012/logins", "us-west-2"],
    ["https://queue.amazonaws.com/123456789012/logins", "us-east-1"],
    ["https://SQS.eu-west-1.amazonaws.com/123456789012/logins", "eu-west-1"],
  ])("%s tells its region", async (url, region) => {
    const address = queueAddress(await queue({ url }), { AWS_REGION: "sa-east-1" })
    expect(address).toEqual({ url, name: "logins", region, endpoint: new URL(url).origin })
  })

  test.each([
    ["http://127.0.0.1:4571/000000000000/logins", "http://127.0.0.1:4571"],
    ["http://localhost:4571/000000000000/logins.fifo", "http://localhost:4571"],
    ["http://[::1]:4571/000000000000/logins", "http://[::1]:4571"],
    ["http://sqs.us-east-1.localhost:4571/000000000000/logins", "http://sqs.us-east-1.localhost:4571"],
  ])("%s on this machine takes its region from the setting or from AWS", async (url, endpoint) => {
    expect(queueAddress(await queue({ url, region: "eu-west-1" }), NO_ENV)).toMatchObject({
      region: "eu-west-1",
      endpoint,
    })
    expect(queueAddress(await queue({ url }), { AWS_REGION: "eu-west-2" })).toMatchObject({
      region: "eu-west-2",
    })
    expect(queueAddress(await queue({ url }), { AWS_DEFAULT_REGION: "eu-west-3" })).toMatchObject({
      region: "eu-west-3",
    })
    expect((await refusal(async () => queueAddress(await queue({ url }), NO_ENV))).message).toMatch(
      /queue\.region is not set/,
    )
  })

  test("goes to the configured endpoint, whatever host the url names", async () => {
    const section = await queue({
      url: "https://sqs.eu-west-1.amazonaws.com/1/q",
      endpoint: "http://localhost:4571",
    })
    expect(queueAddress(section, NO_ENV).endpoint).toBe("http://localhost:4571")
    const other = await queue({
      url: "https://queue.example/1/q",
      endpoint: "https://queue.example",
      region: "eu-west-1",
    })
    expect(queueAddress(other, NO_ENV).endpoint).toBe("https://queue.example")
  })

  test("must be set", async () => {
    const error = await refusal(async () => queueAddress(await queue({}), NO_ENV))
    expect(error).toMatchObject({ kind: "config", message: "queue.url is not set" })
    expect(error.hint).toContain("PEPPERMILL_QUEUE_URL")
  })
})

describe("a queue url is refused at load", () => {
  test.each([
    ["http://evil.example/123456789012/q", /is plain http to another host/],
    ["https://evil.example/123456789012/q", /a host that is not Amazon SQS/],
    ["https://sqs.us-east-1.amazonaws.com.evil.example/1/q", /a host that is not Amazon SQS/],
    ["https://evilsqs.us-east-1.amazonaws.com/1/q", /a host that is not Amazon SQS/],
    ["https://ec2-192-0-2-1.compute-1.amazonaws.com/1/q", /a host that is not Amazon SQS/],
    ["https://sqs.s3.amazonaws.com/1/q", /a host that is not Amazon SQS/],
    ["https://sqs.s3-website-us-east-1.amazonaws.com/1/q", /a host that is not Amazon SQS/],
    ["https://x.sqs.us-east-1.amazonaws.com/1/q", /a host that is not Amazon SQS/],
    ["https://sqs.us-east-1.amazonaws.com./1/q", /a host that is not Amazon SQS/],
    ["https://127.0.0.1.evil.example/1/q", /a host that is not Amazon SQS/],
    ["https://user:HUNTER2@sqs.us-east-1.amazonaws.com/1/q", /holds a user name or password/],
    ["https://HUNTER2@sqs.us-east-1.amazonaws.com/1/q", /holds a user name or password/],
    ["https://sqs.us-east-1.amazonaws.com/1/q?X-Amz-Signature=HUNTER2", /has a query or a fragment/],
    ["https://sqs.us-east-1.amazonaws.com/1/q#", /has a query or a fragment/],
    ["https://sqs.us-east-1.amazonaws.com/1/\tq", /blanks or control characters/],
    ["https://sqs.us-east-1.amazonaws.com/1/q\n", /blanks or control characters/],
    ["https://sqs.us-east-1.amazonaws.com/", /the name of a queue/],
    ["https://sqs.us-east-1.amazonaws.com/1/", /the name of a queue/],
    ["https://sqs.us-east-1.amazonaws.com/1/q%20q", /the name of a queue/],
    [`https://sqs.us-east-1.amazonaws.com/1/${"q".repeat(81)}`, /the name of a queue/],
    ["ftp://sqs.us-east-1.amazonaws.com/1/q", /must start with https/],
    ["sqs.us-east-1.amazonaws.com/1/q", /is not a URL/],
    ["https://HUNTER2:x@[/1/q", /is not a URL/],
    ["arn:aws:sqs:us-east-1:123456789012:q", /must start with https/],
  ])("%j", async (url, message) => {
    const error = await refusal(load({ env: { PEPPERMILL_QUEUE_URL: url } }))
    expect(error.kind).toBe("config")
    expect(error.message).toMatch(message)
    expect(error.message).toMatch(/^PEPPERMILL_QUEUE_URL: /)
    expect(wordsOf(error)).not.toContain("HUNTER2")
  })

  test("when it is in another region than the setting", async () => {
    const error = await refusal(
      load({
        env: {
          PEPPERMILL_QUEUE_URL: "https://sqs.eu-west-1.amazonaws.com/1/q",
          PEPPERMILL_QUEUE_REGION: "eu-west-2",
        },
      }),
    )
    expect(error.message).toBe("PEPPERMILL_QUEUE_URL: is in another region than queue.region")
  })
})

describe("plain http", () => {
  test.each(["QUEUE", "SECRETS"])("to another host is for %s_ALLOW_PLAIN_HTTP only", async (section) => {
    const env = { [`PEPPERMILL_${section}_ENDPOINT`]: "http://queue:4571" }
    expect((await refusal(load({ env }))).message).toBe(
      `PEPPERMILL_${section}_ENDPOINT: is plain http to another host`,
    )
    const allowed = { ...env, [`PEPPERMILL_${section}_ALLOW_PLAIN_HTTP`]: "true" }
    expect((await load({ env: allowed })).warnings).toEqual([])
  })

  test("does not open the way to any host: an endpoint must name it", async () => {
    const env = { PEPPERMILL_QUEUE_URL: "http://queue:4571/1/q", PEPPERMILL_QUEUE_ALLOW_PLAIN_HTTP: "true" }
    expect((await refusal(load({ env }))).message).toMatch(/a host that is not Amazon SQS/)
    await load({ env: { ...env, PEPPERMILL_QUEUE_ENDPOINT: "http://queue:4571" } })
  })

  test.each([
    ["127.0.0.1", true],
    ["127.255.0.1", true],
    ["::1", true],
    ["::ffff:127.0.0.1", true],
    ["localhost", true],
    ["LOCALHOST", true],
    ["a.localhost", true],
    ["0.0.0.0", false],
    ["128.0.0.1", false],
    ["::", false],
    ["localhost.example.com", false],
    ["notlocalhost", false],
    ["127.0.0.1.example.com", false],
  ])("%s is this machine: %s", (host, here) => {
    expect(isLoopback(host)).toBe(here)
  })
})

describe("variables that would send AWS calls elsewhere", () => {
  const ours = {
    PEPPERMILL_QUEUE_ENDPOINT: "http://localhost:4571",
    PEPPERMILL_SECRETS_ENDPOINT: "http://localhost:4572",
  }

  test.each([
    ["AWS_ENDPOINT_URL", "http://evil.example"],
    ["AWS_ENDPOINT_URL_SQS", "http://evil.example"],
    ["AWS_ENDPOINT_URL_SQS", "http://localhost:4572"],
    ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://evil.example"],
    ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://localhost:4571"],
    ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "not a url"],
  ])("%s=%s is refused", async (name, value) => {
    for (const env of [{}, ours]) {
      const error = await refusal(load({ env: { ...env, [name]: value } }))
      expect(error.kind).toBe("config")
      expect(error.message).toContain(`${name} is set`)
      expect(error.hint).toMatch(/(queue|secrets)\.endpoint/)
      expect(wordsOf(error)).not.toContain(value)
    }
  })

  test.each([
    ["AWS_ENDPOINT_URL", "http://localhost:4571/"],
    ["AWS_ENDPOINT_URL", "http://localhost:4572"],
    ["AWS_ENDPOINT_URL_SQS", "http://localhost:4571"],
    ["AWS_ENDPOINT_URL_SECRETS_MANAGER", "http://localhost:4572"],
    ["AWS_ENDPOINT_URL_SQS", ""],
  ])("%s=%s says what we say, and is fine", async (name, value) => {
    const { config } = await load({ env: { ...ours, [name]: value } })
    expect(config.queue.endpoint).toBe("http://localhost:4571")
  })
})
