import { createHmac, hash } from "node:crypto"

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string | undefined
}

export interface SignerOptions {
  readonly region: string
  /** The name AWS signs the service under, such as `sqs`. */
  readonly service: string
  /** As the request line says it, with its percent escapes; without a query. */
  readonly path: string
}

/** @returns All headers to send: those given, and what the signature adds. */
export type Sign = (
  headers: Readonly<Record<string, string>>,
  body: string,
  credentials: Credentials,
  nowMs: number,
) => Record<string, string>

/**
 * Sign POST requests with AWS Signature Version 4 ("Create a signed AWS API
 * request" in the IAM User Guide). Header names must be lower case, and `host`
 * among them; every header given is signed.
 *
 * The signing key is derived once a day and key, where the SDK's signer derives
 * it through some fifty promises for each request.
 */
export function createSigner({ region, service, path }: SignerOptions): Sign {
  // The path is escaped a second time: for every service but S3.
  const canonicalPath = path.split("/").map(encodeURIComponent).join("/")
  let signingKey: Buffer = Buffer.alloc(0)
  let keyOf = ""

  function keyFor(day: string, secret: string): Buffer {
    if (keyOf !== day + secret) {
      keyOf = day + secret
      signingKey = Buffer.from(`AWS4${secret}`)
      for (const part of [day, region, service, "aws4_request"]) signingKey = hmac(signingKey, part)
    }
    return signingKey
  }

  return (given, body, { accessKeyId, secretAccessKey, sessionToken }, nowMs) => {
    const time = new Date(nowMs).toISOString().replace(/[-:]|\.\d+/g, "")
    const day = time.slice(0, 8)
    const bodyHash = hash("sha256", body)
    const headers: Record<string, string> = {
      ...given,
      "x-amz-content-sha256": bodyHash,
      "x-amz-date": time,
    }
    if (sessionToken !== undefined) headers["x-amz-security-token"] = sessionToken

    const names = Object.keys(headers).sort()
    let canonicalHeaders = ""
    for (const name of names) canonicalHeaders += `${name}:${headers[name]}\n`
    const signed = names.join(";")
    const canonical = `POST\n${canonicalPath}\n\n${canonicalHeaders}\n${signed}\n${bodyHash}`
    const scope = `${day}/${region}/${service}/aws4_request`
    const toSign = `AWS4-HMAC-SHA256\n${time}\n${scope}\n${hash("sha256", canonical)}`
    const signature = hmac(keyFor(day, secretAccessKey), toSign).toString("hex")
    headers["authorization"] =
      `AWS4-HMAC-SHA256 Credential=${accessKeyId}/${scope}, SignedHeaders=${signed}, Signature=${signature}`
    return headers
  }
}

function hmac(key: Buffer, text: string): Buffer {
  return createHmac("sha256", key).update(text).digest()
}
