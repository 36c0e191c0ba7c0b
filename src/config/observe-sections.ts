import { z } from "zod"
import { parseHttpUrl } from "./http-url.ts"
import { parseListenAddress } from "./listen-address.ts"
import { allowPlainHttp, check, whole } from "./sections.ts"
import { parseTopicArn } from "./topic-arn.ts"

export const observe = z
  .strictObject({
    logLevel: z.enum(["silent", "error", "warn", "info", "debug"]).describe("How much is logged"),
    logFormat: z
      .enum(["auto", "json", "text"])
      .describe("auto: text on a terminal, one JSON object a line elsewhere"),
    service: z
      .string()
      .regex(/^[A-Za-z0-9._-]{1,64}$/, "must be 1 to 64 letters, digits, dots, hyphens or underscores")
      .describe("What this drain is called in logs, metrics and alerts"),
    listen: z
      .string()
      .nullable()
      .describe("[HOST:]PORT for /metrics, /livez and /readyz, of this machine if no host; null: none"),
    emf: z.boolean().describe("Metrics for CloudWatch among the log lines, in the embedded metric format"),
    emfSeconds: whole(1, 3_600, "CloudWatch keeps a figure a minute").describe(
      "Seconds from one line of metrics to the next",
    ),
  })
  .superRefine(({ listen }, context) => {
    if (listen !== null) check(context, ["listen"], () => parseListenAddress(listen))
  })

export const alerts = z
  .strictObject({
    topicArn: z
      .string()
      .refine((arn) => parseTopicArn(arn) !== null, "must be the ARN of an SNS topic")
      .nullable()
      .describe("ARN of the SNS topic that is told; null: alerts stand in the log alone"),
    endpoint: z.string().nullable().describe("URL of an SNS other than Amazon's; null: Amazon's"),
    allowPlainHttp,
    windowSeconds: whole(1, 3_600, "an hour").describe(
      "Seconds over which rejects are counted, and between looks at the dead-letter queue",
    ),
    rejectPercent: whole(0, 100, "a percentage")
      .nullable()
      .describe("Alert when more of the messages received were rejected; null: never"),
    oldestMessageSeconds: whole(1, 1_209_600, "SQS keeps a message for 14 days at most")
      .nullable()
      .describe("Alert when messages come that are older; null: never"),
    deadLetters: z.boolean().describe("With a topic: alert when the dead-letter queue is not empty"),
  })
  .superRefine(({ endpoint, allowPlainHttp }, context) => {
    if (endpoint !== null) check(context, ["endpoint"], () => parseHttpUrl(endpoint, allowPlainHttp))
  })
