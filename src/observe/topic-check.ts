import type { Topic } from "../config/topic-arn.ts"
import { UserError } from "../errors.ts"
import { codeOf } from "./alerts.ts"

const DENIED = /^(AuthorizationError|AccessDenied)/
const MISSING = /^(NotFound|InvalidParameter)/

/**
 * Ask the topic about itself. Nothing is published, so whether we may publish shows only at the first alert.
 *
 * @returns How many subscriptions it has, or null when we may not ask.
 * @throws UserError when there is no such topic, or no answer.
 */
export async function checkTopic(topic: Topic, endpoint: string | null): Promise<number | null> {
  const { countSubscriptions } = await import("./sns.ts")
  try {
    return await countSubscriptions({ topic, endpoint })
  } catch (error) {
    const code = codeOf(error)
    if (DENIED.test(code)) return null
    if (MISSING.test(code)) {
      throw new UserError("config", `alerts.topicArn: AWS has no such topic (${code})`, {
        hint: "check the ARN, its region and its account",
      })
    }
    if (/^Credentials|^Token|^InvalidClientTokenId|^Unrecognized|^Expired/.test(code)) {
      throw new UserError("permission", `alerts.topicArn: AWS does not know us (${code})`, {
        hint: "check the AWS credentials",
      })
    }
    throw new UserError("unavailable", `alerts.topicArn: SNS did not answer (${code})`, {
      hint: "check the network and alerts.endpoint; a drain goes on without",
    })
  }
}
