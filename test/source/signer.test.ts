import { describe, expect, test } from "vitest"
import { type Credentials, createSigner } from "../../src/source/signer.ts"
import { expectedSignature, signatureOf } from "./signature.ts"

const NOON = Date.UTC(2026, 0, 31, 12, 0, 0)
const FIRST: Credentials = { accessKeyId: "FIRST", secretAccessKey: "first" }
const SECOND: Credentials = { accessKeyId: "SECOND", secretAccessKey: "second", sessionToken: "token" }

describe("the signer", () => {
  test.each<[string, readonly [Credentials, number][]]>([
    [
      "a new day",
      [
        [FIRST, NOON],
        [FIRST, NOON + 86_400_000],
      ],
    ],
    [
      "the last second of a day and the first of the next",
      [
        [FIRST, NOON + 43_199_999],
        [FIRST, NOON + 43_200_000],
      ],
    ],
    [
      "renewed credentials",
      [
        [FIRST, NOON],
        [SECOND, NOON],
        [FIRST, NOON],
      ],
    ],
  ])("derives another key for %s", (_name, requests) => {
    const sign = createSigner({ region: "eu-west-1", host: "sqs.eu-west-1.amazonaws.com", path: "/" })
    for (const [credentials, nowMs] of requests) {
      const headers = sign("AmazonSQS.ReceiveMessage", "{}", credentials, nowMs)
      const request = { method: "POST", path: "/", headers, body: "{}" }
      expect(signatureOf(headers)).toBe(expectedSignature(request, credentials.secretAccessKey, "eu-west-1"))
      expect(headers["x-amz-security-token"]).toBe(credentials.sessionToken)
    }
  })

  test("says the time to the second, in UTC", () => {
    const sign = createSigner({ region: "r", host: "h", path: "/" })
    expect(sign("t", "", FIRST, NOON + 43_199_999)["x-amz-date"]).toBe("20260131T235959Z")
  })
})
