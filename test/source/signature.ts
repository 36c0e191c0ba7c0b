import { createHash, createHmac } from "node:crypto"

/** What of a request a signature covers. */
export interface Signed {
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, unknown>>
  readonly body: string
}

export const sha256 = (text: string) => createHash("sha256").update(text).digest("hex")

export const signatureOf = (headers: Signed["headers"]) =>
  /Signature=(\w+)/.exec(String(headers["authorization"]))?.[1]

/**
 * The signature that AWS would expect of a request as it arrived, worked out
 * along "Create a signed AWS API request" and from nothing of ours. That it is
 * right is shown by the SDK's own requests.
 */
export function expectedSignature({ method, path, headers, body }: Signed, secret: string, region: string) {
  const time = String(headers["x-amz-date"])
  const signed = /SignedHeaders=([^,]+)/.exec(String(headers["authorization"]))?.[1] as string
  const lines = signed.split(";").map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, " ")}`)
  const canonical = [method, path.replaceAll("%", "%25"), "", ...lines, "", signed, sha256(body)].join("\n")
  const scope = [time.slice(0, 8), region, "sqs", "aws4_request"]
  const toSign = ["AWS4-HMAC-SHA256", time, scope.join("/"), sha256(canonical)].join("\n")
  const hmac = (key: string | Buffer, text: string) => createHmac("sha256", key).update(text).digest()
  return hmac(scope.reduce<string | Buffer>(hmac, `AWS4${secret}`), toSign).toString("hex")
}
