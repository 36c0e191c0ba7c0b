import { createServer, type IncomingMessage, type RequestListener } from "node:http"
import { createServer as createTlsServer } from "node:https"
import type { AddressInfo } from "node:net"

/** What the stub has under a secret's id: text, bytes, an error to answer with, or no answer at all. */
export type StubSecret = string | { readonly SecretBinary: string } | { readonly error: string } | "hang"

export interface SecretsManagerStub {
  readonly endpoint: string
  /** The ids asked for, in order. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

export interface StubOptions {
  /** Sees every request before it is answered. */
  readonly onRequest?: (request: IncomingMessage) => void
  /** PEM: speak TLS. Plain HTTP when left out. */
  readonly tls?: { readonly key: string; readonly cert: string }
}

/**
 * GetSecretValue of AWS Secrets Manager (JSON 1.1). `secrets` may be changed
 * between requests. A secret `hang` is never answered.
 */
export async function startSecretsManagerStub(
  secrets: Readonly<Record<string, StubSecret>>,
  { onRequest, tls }: StubOptions = {},
): Promise<SecretsManagerStub> {
  const requests: string[] = []
  const listener: RequestListener = async (request, response) => {
    onRequest?.(request)
    const { SecretId: id } = JSON.parse(await bodyOf(request)) as { SecretId: string }
    requests.push(id)
    const answer = (status: number, body: object) => {
      response.writeHead(status, { "content-type": "application/x-amz-json-1.1" }).end(JSON.stringify(body))
    }
    const target = request.headers["x-amz-target"]
    const secret = secrets[id]
    if (target !== "secretsmanager.GetSecretValue") answer(400, { __type: "UnknownOperationException" })
    else if (secret === undefined) answer(400, { __type: "ResourceNotFoundException", Message: `no ${id}` })
    else if (secret === "hang") return
    else if (typeof secret === "string") answer(200, { ARN: id, Name: id, SecretString: secret })
    else if ("error" in secret)
      answer(400, { __type: secret.error, Message: "a text that nobody should see" })
    else answer(200, { ARN: id, Name: id, ...secret })
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: `${tls === undefined ? "http" : "https"}://127.0.0.1:${port}`,
    requests,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString("utf8")
}
