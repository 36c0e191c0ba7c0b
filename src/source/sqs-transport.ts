import type { ServiceOutputTypes, SQSClient } from "@aws-sdk/client-sqs"
import { type Answer, createExchange } from "./exchange.ts"
import { createSigner } from "./signer.ts"
import { type Attempt, CONNECT_MS, PRODUCT, type SqsTransport, Unreadable, withinTime } from "./sqs-call.ts"
import type { SqsClientOptions } from "./sqs-client.ts"

/** AWS answers requests whose time is further off than this with an error. */
const SKEW_MS = 240_000

/** An operation for the SDK to read an error by: it looks up nothing but the output, and an error has none. */
const NO_OUTPUT = { namespace: "com.amazonaws.sqs", name: "", traits: {}, input: "unit", output: "unit" }

/** What we need of the SDK's protocol, whose own type is a union that TypeScript cannot call. */
interface ErrorReader {
  deserializeResponse(operation: object, context: object, answer: Answer): Promise<unknown>
}

/**
 * Where an attempt travels through the SDK: a property of the input that JSON
 * does not see. Options given to `send` would make the SDK build its stack anew
 * for each call; a WeakMap of inputs costs the garbage collector dearly.
 */
const ATTEMPT = Symbol("attempt")

interface Carrier {
  [ATTEMPT]?: Attempt
}

/**
 * Make `client` send with a fifth of the CPU: one middleware, first in the
 * SDK's stack, does what the rest of the stack, its signer and its HTTP handler
 * do for a plain call in AWS JSON 1.0, and answers in their place.
 *
 * The SDK still resolves and renews credentials, and reads error answers;
 * requests, results and errors are those of the stock stack.
 */
export async function installLeanTransport(
  client: SQSClient,
  { endpoint, region, ca }: SqsClientOptions,
): Promise<SqsTransport> {
  const { config } = client
  const errors = config.protocol as ErrorReader
  const { origin, host, pathname } = new URL(endpoint)
  const path = pathname.endsWith("/") ? pathname : `${pathname}/`
  const exchange = await createExchange({ origin, connectMs: CONNECT_MS, ca })
  const sign = createSigner({ region, host, path })
  let skewMs = 0

  /** @throws The SDK's exception for this answer; with `clockSkewCorrected` when another try may do. */
  async function raise(answer: Answer): Promise<never> {
    const thrown = await errors
      .deserializeResponse(NO_OUTPUT, config, answer)
      .catch((error: unknown) => error)
    if (!isServiceException(thrown)) throw new Unreadable("not an error of SQS", answer.statusCode)
    const aheadMs = Date.parse(answer.headers["date"] ?? "") - Date.now()
    if (Math.abs(aheadMs) >= SKEW_MS && Math.abs(aheadMs - skewMs) >= SKEW_MS) {
      skewMs = aheadMs
      thrown.$metadata.clockSkewCorrected = true
    }
    throw thrown
  }

  client.middlewareStack.add(
    (_next, { commandName = "" }) => {
      const target = `AmazonSQS.${commandName.replace(/Command$/, "")}`
      return async ({ input }) => {
        // Before anything is waited for: the next attempt may have the same input.
        const attempt = (input as Carrier)[ATTEMPT]
        const body = JSON.stringify(input)
        const headers = sign(target, body, await config.credentials(), Date.now() + skewMs)
        headers["user-agent"] = PRODUCT
        const response = await exchange.post(path, headers, body, attempt)
        return {
          response,
          output: response.statusCode === 200 ? parse(response.body) : await raise(response),
        }
      }
    },
    { name: "leanTransport", step: "initialize", priority: "high" },
  )

  return {
    attempt: (input, timeoutMs, send) =>
      withinTime(timeoutMs, (attempt) => {
        const carrier: Carrier = input
        carrier[ATTEMPT] = attempt
        return send()
      }),
    close() {
      client.destroy()
      exchange.close()
    },
  }
}

function isServiceException(error: unknown): error is { $metadata: { clockSkewCorrected?: boolean } } {
  return error instanceof Error && "$fault" in error && "$metadata" in error
}

function parse(body: Buffer): ServiceOutputTypes {
  try {
    const output = JSON.parse(body.toString())
    if (typeof output === "object" && output !== null) return output
  } catch {
    // A JSON error quotes what it could not read.
  }
  throw new Unreadable("not a JSON object")
}
