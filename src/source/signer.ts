import { createHmac, hash } from "node:crypto"

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface SignerOptions {
  readonly region: string
  /** As the Host header says it: with the port, unless it is the scheme's own. */
  readonly host: string
  /** As the request line says it, with its percent escapes; without a query. */
  readonly path: string
}

/** @returns The headers to send. */
export type Sign = (
  target: string,
  body: string,
  credentials: Credentials,
  nowMs: number,
) => Record<string, string>

const CONTENT_TYPE = "application/x-amz-json-1.0"

/**
 * Sign calls of SQS in AWS JSON 1.0 with AWS Signature Version 4 ("Create a
 * signed AWS API request" in the IAM User Guide).
 *
 * The headers are always the same ones, so their canonical form is a template;
 * and the key is derived once a day. The SDK's signer sorts, trims and derives
 * anew for each request, through some fifty promises.
 */
export function createSigner({ region, host, path }: SignerOptions): Sign {
  // The path is escaped a second time: so for every service but S3.
  const canonicalPath = path.split("/").map(encodeURIComponent).join("/")
  let key: Buffer = Buffer.alloc(0)
  let keyOf = ""

  function keyFor(day: string, secret: string): Buffer {
    if (keyOf !== day + secret) {
      keyOf = day + secret
      key = Buffer.from(`AWS4${secret}`)
      for (const part of [day, region, "sqs", "aws4_request"]) key = hmac(key, part).digest()
    }
    return key
  }

  return (target, body, { accessKeyId, secretAccessKey, sessionToken }, nowMs) => {
    const time = basicTime(nowMs)
    const day = time.slice(0, 8)
    const bodyHash = hash("sha256", body)
    const tokenLine = sessionToken === undefined ? "" : `x-amz-security-token:${sessionToken}\n`
    const tokenName = sessionToken === undefined ? "" : "x-amz-security-token;"
    const signed = `content-type;host;x-amz-content-sha256;x-amz-date;${tokenName}x-amz-target;x-amzn-query-mode`
    const canonical = `POST
${canonicalPath}

content-type:${CONTENT_TYPE}
host:${host}
x-amz-content-sha256:${bodyHash}
x-amz-date:${time}
${tokenLine}x-amz-target:${target}
x-amzn-query-mode:true

${signed}
${bodyHash}`
    const scope = `${day}/${region}/sqs/aws4_request`
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash("sha256", canonical)}`
    const signature = hmac(keyFor(day, secretAccessKey), toSign).digest("hex")
    const headers: Record<string, string> = {
      host,
      "content-type": CONTENT_TYPE,
      "x-amz-target": target,
      "x-amzn-query-mode": "true",
      "x-amz-content-sha256": bodyHash,
      "x-amz-date": time,
      authorization: `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`,
    }
    if (sessionToken !== undefined) headers["x-amz-security-token"] = sessionToken
    return headers
  }
}

/** ISO 8601 in its basic form, to the second: 20260131T235959Z. */
function basicTime(ms: number): string {
  const text = new Date(ms).toISOString()
  return `${text.slice(0, 4)}${text.slice(5, 7)}${text.slice(8, 13)}${text.slice(14, 16)}${text.slice(17, 19)}Z`
}

function hmac(key: Buffer, text: string) {
  return createHmac("sha256", key).update(text)
}
