import { UserError } from "../errors.ts"
import type { Config } from "./config.ts"
import { bareHost, isLoopback, parseHttpUrl } from "./http-url.ts"

/** Where the queue is, with everything a client must be told so that it looks nowhere else. */
export interface QueueAddress {
  readonly url: string
  /** The last part of the url. */
  readonly name: string
  readonly region: string
  /** Origin to dial: the configured endpoint, or else the host of the url. */
  readonly endpoint: string
}

const REGION = "([a-z]{2,4}(?:-[a-z]+)+-[0-9]+)"
const SUFFIX =
  "(?:amazonaws\\.com(?:\\.cn)?|amazonaws\\.eu|c2s\\.ic\\.gov|sc2s\\.sgov\\.gov|cloud\\.adc-e\\.uk|csp\\.hci\\.ic\\.gov)"
const DUAL_STACK_SUFFIX =
  "api\\.(?:aws|amazonwebservices\\.com\\.cn|amazonwebservices\\.eu|aws\\.ic\\.gov|aws\\.scloud|cloud-aws\\.adc-e\\.uk|aws\\.hci\\.ic\\.gov)"

/**
 * Hosts of SQS itself in every partition of AWS: regional, FIPS, VPC endpoint,
 * dual-stack, and the form before 2011. The service and the region are part of
 * it, because anybody can rent another name under amazonaws.com (a bucket
 * called `sqs` has one).
 */
const SQS_HOSTS = [
  new RegExp(`^sqs(?:-fips)?\\.${REGION}\\.${SUFFIX}$`),
  new RegExp(`^vpce-[a-z0-9-]+\\.sqs\\.${REGION}\\.vpce\\.${SUFFIX}$`),
  new RegExp(`^sqs(?:-fips)?\\.${REGION}\\.${DUAL_STACK_SUFFIX}$`),
  new RegExp(`^${REGION}\\.queue\\.amazonaws\\.com(?:\\.cn)?$`),
]

/** SQS: up to 80 characters, letters, digits, hyphen and underscore; a FIFO queue's name ends in .fifo. */
const QUEUE_NAME = /^(?=.{1,80}$)[A-Za-z0-9_-]+(\.fifo)?$/

type QueueSection = Config["queue"]

/**
 * Where the queue is.
 *
 * The AWS SDK dials the host of a queue URL and signs for it, whatever host
 * that is. So the host must be Amazon's SQS or this machine, unless
 * `queue.endpoint` says where to go instead.
 *
 * @param env - For AWS_REGION, when neither the setting nor the url names a region.
 * @throws UserError of kind `config` naming the setting.
 */
export function queueAddress(
  queue: QueueSection,
  env: Readonly<Record<string, string | undefined>>,
): QueueAddress {
  if (queue.url === null) {
    throw new UserError("config", "queue.url is not set", {
      hint: "set queue.url in the configuration file, or PEPPERMILL_QUEUE_URL",
    })
  }
  const { name, region, origin } = readQueueUrl({ ...queue, url: queue.url })
  const chosen = queue.region ?? region ?? env["AWS_REGION"] ?? env["AWS_DEFAULT_REGION"]
  if (chosen === undefined || chosen === "") {
    throw new UserError("config", "queue.region is not set, and queue.url does not tell it", {
      hint: "set queue.region, PEPPERMILL_QUEUE_REGION or AWS_REGION",
    })
  }
  return { url: queue.url, name, region: chosen, endpoint: queue.endpoint ?? origin }
}

/**
 * The parts of a queue's url; `region` is null where the host does not tell.
 *
 * @throws UserError of kind `config` whose message begins after the setting's name.
 */
export function readQueueUrl(queue: QueueSection & { readonly url: string }): {
  readonly name: string
  readonly region: string | null
  readonly origin: string
} {
  const url = parseHttpUrl(queue.url, queue.allowPlainHttp)
  const host = bareHost(url)
  const region = regionOfHost(host)
  if (region === null && !isLoopback(host) && queue.endpoint === null) {
    throw new UserError("config", "names a host that is not Amazon SQS", {
      hint: "set queue.endpoint to use another SQS",
    })
  }
  if (region !== null && queue.region !== null && region !== queue.region) {
    throw new UserError("config", "is in another region than queue.region", {
      hint: "leave queue.region out: the url tells the region",
    })
  }
  const name = queueName(queue.url)
  if (!QUEUE_NAME.test(name)) {
    throw new UserError("config", "does not end in the name of a queue", {
      hint: "a queue's url looks like https://sqs.eu-west-1.amazonaws.com/123456789012/logins",
    })
  }
  return { name, region, origin: url.origin }
}

/** The name in a queue's url. Of a url that was checked, it is all that may be shown. */
export function queueName(url: string): string {
  return new URL(url).pathname.split("/").at(-1) ?? ""
}

function regionOfHost(host: string): string | null {
  if (host === "queue.amazonaws.com") return "us-east-1"
  for (const form of SQS_HOSTS) {
    const region = form.exec(host)?.[1]
    if (region !== undefined) return region
  }
  return null
}
