import { describe, expect, test } from "vitest"
import { parseListenAddress } from "../../src/config/listen-address.ts"
import { parseTopicArn } from "../../src/config/topic-arn.ts"
import { load, refusal } from "./scenario.ts"

describe("observe.listen", () => {
  test.each([
    ["9464", "127.0.0.1", 9464],
    ["localhost:9464", "127.0.0.1", 9464],
    ["127.0.0.1:0", "127.0.0.1", 0],
    ["0.0.0.0:65535", "0.0.0.0", 65535],
    ["10.1.2.3:80", "10.1.2.3", 80],
    ["[::1]:9464", "::1", 9464],
    ["[::]:9464", "::", 9464],
  ])("%s", (text, host, port) => {
    expect(parseListenAddress(text)).toEqual({ host, port })
  })

  test.each([
    "",
    ":9464",
    "9464:",
    "127.0.0.1",
    "127.0.0.1:",
    "127.0.0.1:65536",
    "127.0.0.1:-1",
    "127.0.0.1:1e3",
    " 9464",
    "9464\n",
    "::1:9464",
    "[127.0.0.1]:9464",
    "[::1%lo]:9464",
    "example.com:9464",
    "http://127.0.0.1:9464",
    "*:9464",
    "/tmp/socket",
  ])("%j is refused", async (text) => {
    const { kind, message } = await refusal(() => parseListenAddress(text))
    expect(kind).toBe("config")
    if (text !== "") expect(message).not.toContain(text)
  })

  test("a wrong one is told by its key", async () => {
    const error = await refusal(load({ env: { PEPPERMILL_OBSERVE_LISTEN: ":9464" } }))
    expect(error.message).toMatch(/^PEPPERMILL_OBSERVE_LISTEN.*begins with a colon/)
  })
})

describe("alerts.topicArn", () => {
  test.each([
    ["arn:aws:sns:eu-west-1:123456789012:alerts", "eu-west-1", false],
    ["arn:aws-us-gov:sns:us-gov-east-1:123456789012:a_b-c", "us-gov-east-1", false],
    ["arn:aws-cn:sns:cn-north-1:123456789012:alerts.fifo", "cn-north-1", true],
  ])("%s", (arn, region, fifo) => {
    expect(parseTopicArn(arn)).toEqual({ arn, region, fifo })
  })

  test.each([
    "",
    "alerts",
    "arn:aws:sqs:eu-west-1:123456789012:alerts",
    "arn:aws:sns:eu-west-1:12345678901:alerts",
    "arn:aws:sns:eu-west-1.evil.example:123456789012:alerts",
    "arn:aws:sns:eu-west-1:123456789012:alerts:0b9f7a52-7c1f-4b8e-9c70-9a3a2f7f1c55",
    "arn:aws:sns:eu-west-1:123456789012:al erts",
    "arn:aws:sns:eu-west-1:123456789012:alerts\n",
  ])("%j is refused", (arn) => {
    expect(parseTopicArn(arn)).toBeNull()
  })

  test("its endpoint is https, unless it is this machine or the network is trusted", async () => {
    const endpoint = { PEPPERMILL_ALERTS_ENDPOINT: "http://sns.example" }
    const error = await refusal(load({ env: endpoint }))
    expect(error.message).toContain("plain http to another host")
    const trusting = { ...endpoint, PEPPERMILL_ALERTS_ALLOW_PLAIN_HTTP: "true" }
    expect((await load({ env: trusting })).config.alerts.endpoint).toBe("http://sns.example")
    const here = { PEPPERMILL_ALERTS_ENDPOINT: "http://127.0.0.1:4566" }
    expect((await load({ env: here })).config.alerts.endpoint).toBe("http://127.0.0.1:4566")
  })

  test("AWS_ENDPOINT_URL_SNS does not redirect it", async () => {
    const error = await refusal(load({ env: { AWS_ENDPOINT_URL_SNS: "http://evil.example" } }))
    expect(error.message).toContain("AWS_ENDPOINT_URL_SNS is set")
  })
})
