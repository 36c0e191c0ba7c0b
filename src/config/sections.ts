import { z } from "zod"
import { UserError } from "../errors.ts"
import { parseDatabase } from "./database-url.ts"
import { parseHttpUrl } from "./http-url.ts"
import { readQueueUrl } from "./queue-url.ts"
import { parseReference, REFERENCE_FORMS } from "./reference.ts"

/** A whole number in a range; `why` tells where the range comes from. */
export function whole(min: number, max: number, why: string) {
  const message = `must be a whole number from ${min} to ${max} (${why})`
  return z.int(message).min(min, message).max(max, message)
}

/** AWS names its regions in lower case: eu-west-1, us-gov-east-1. */
const region = z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-[0-9]+$/, "must be an AWS region, such as eu-west-1")

export const allowPlainHttp = z
  .boolean()
  .describe("Accept plain http to hosts other than this machine, where the network itself is trusted")

const caFile = z
  .string()
  .min(1, "must be a path")
  .nullable()
  .describe("PEM file of the authorities that sign the server's certificate; null: the well-known ones")

/** Report what `read` throws as a problem of the setting at `path`. */
export function check(context: z.core.$RefinementCtx, path: string[], read: () => unknown): void {
  try {
    read()
  } catch (error) {
    if (!(error instanceof UserError)) throw error
    context.addIssue({ code: "custom", path, message: error.message, params: { hint: error.hint } })
  }
}

export const queue = z
  .strictObject({
    url: z.string().nullable().describe("URL of the SQS queue to drain"),
    region: region.nullable().describe("AWS region of the queue; null: the one in the url, then AWS_REGION"),
    endpoint: z.string().nullable().describe("URL of an SQS other than Amazon's; null: the host of the url"),
    caFile,
    pollers: whole(1, 256, "each one is a connection").describe("Receives at a time, at most"),
    waitSeconds: whole(1, 20, "SQS long-polls for 20 seconds at most").describe("Seconds of one long poll"),
    visibilitySeconds: whole(1, 43_200, "SQS hides a message for 12 hours at most").describe(
      "Seconds a received message is hidden from others; extended while it is in hand",
    ),
    retrySeconds: whole(0, 3_600, "longer would only hide an outage").describe(
      "Seconds to keep trying a call that the queue does not answer",
    ),
    transport: z
      .enum(["lean", "stock"])
      .describe("How the SDK sends: lean costs a fifth of the CPU, stock is the SDK as it comes"),
    allowPlainHttp,
  })
  .superRefine((section, context) => {
    const { url, endpoint } = section
    if (endpoint !== null) check(context, ["endpoint"], () => parseHttpUrl(endpoint, section.allowPlainHttp))
    if (url !== null) check(context, ["url"], () => readQueueUrl({ ...section, url }))
  })

export const secrets = z
  .strictObject({
    endpoint: z.string().nullable().describe("URL of a Secrets Manager other than Amazon's; null: Amazon's"),
    caFile,
    region: region
      .nullable()
      .describe(
        "AWS region of the secrets; null: the one in a secret's ARN, then the queue's, then AWS_REGION",
      ),
    allowPlainHttp,
  })
  .superRefine(({ endpoint, allowPlainHttp }, context) => {
    if (endpoint !== null) check(context, ["endpoint"], () => parseHttpUrl(endpoint, allowPlainHttp))
  })

export const database = z.strictObject({
  url: z
    .string()
    .nullable()
    .describe(
      `postgres://USER:PASSWORD@HOST:PORT/DATABASE, pglite:memory, pglite:PATH, or a reference to one (${REFERENCE_FORMS})`,
    )
    .superRefine((text, context) => {
      if (text !== null && parseReference(text) === null) check(context, [], () => parseDatabase(text))
    }),
  caFile,
  poolSize: whole(1, 100, "PostgreSQL itself accepts 100 by default").describe("Connections"),
  connectSeconds: whole(1, 300, "longer would only hide an outage").describe("Seconds to connect"),
  statementSeconds: whole(1, 3_600, "longer would only hide an outage").describe(
    "Seconds one statement may take",
  ),
  retrySeconds: whole(0, 3_600, "longer would only hide an outage").describe(
    "Seconds to keep trying a database that went away",
  ),
})

const keyId = z
  .string()
  .regex(
    /^[a-z][a-z0-9-]{0,15}$/,
    "a key's id is a lower-case letter and up to 15 more letters, digits or hyphens",
  )
  .refine((id) => id !== "x", "x stands for severed tokens, so no key has this id")

export const masking = z
  .strictObject({
    activeKey: keyId.describe("Id of the key that makes new tokens"),
    keys: z
      .record(
        keyId,
        // The text may be the key itself, so nothing of it is repeated.
        z.string().refine((text) => parseReference(text) !== null, `must be a reference: ${REFERENCE_FORMS}`),
      )
      .describe("Key id: reference to the key, 64 hex digits"),
  })
  .superRefine(({ activeKey, keys }, context) => {
    if (Object.keys(keys).length === 0) {
      context.addIssue({ code: "custom", path: ["keys"], message: "must name at least one key" })
    } else if (!Object.hasOwn(keys, activeKey)) {
      context.addIssue({ code: "custom", path: ["activeKey"], message: "must be one of masking.keys" })
    }
  })

export const vault = z.strictObject({
  recipients: z
    .array(z.string().regex(/^age1[a-z0-9]+$/, "must be an age public key, which begins with age1"))
    .refine((list) => new Set(list).size === list.length, "names a recipient twice")
    .describe("age public keys that may open originals; none: no vault"),
  retentionDays: whole(1, 36_500, "a hundred years")
    .nullable()
    .describe("Days an original is kept; null: until it is erased"),
})

export const batch = z.strictObject({
  rows: whole(1, 10_000, "beyond that a batch only costs memory").describe("Rows of one transaction at most"),
  lingerMs: whole(0, 10_000, "messages wait in hand meanwhile").describe(
    "Milliseconds a batch waits for more rows",
  ),
  inFlight: whole(1, 64, "each one needs a connection").describe("Batches being stored at a time"),
})

export const drain = z.strictObject({
  timeoutSeconds: whole(0, 43_200, "SQS hides a message for 12 hours at most").describe(
    "Seconds to wait for messages that others hold",
  ),
  emptyPolls: whole(1, 100, "SQS may answer falsely that it has nothing").describe(
    "Empty long polls in a row before the queue counts as empty",
  ),
})

export const recovery = z.strictObject({
  approvals: whole(0, 10, "each one is a person").describe("Approvals by other people that a recovery needs"),
  ttlMinutes: whole(1, 1_440, "a day").describe("Minutes a request stays good"),
  rowsPerHour: whole(1, 1_000_000, "a quota").describe("Originals one person may recover in an hour"),
})
