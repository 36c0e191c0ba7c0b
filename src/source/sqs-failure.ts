import { UserError } from "../errors.ts"
import type { SourceRetry } from "./source.ts"

/** A failed attempt, judged. `code` is safe to print: a name, never a text. */
export interface Failure {
  readonly code: string
  readonly verdict: Verdict
  /** How often the call may be made in all, time permitting. */
  readonly attempts: number
}

type Verdict =
  | "transient"
  | "throttled"
  | "unreadable"
  | "no-queue"
  | "clock"
  | "no-credentials"
  | "forbidden"
  | "key"
  | "certificate"
  | "refused"

type Call = SourceRetry["call"]

const VERDICTS: Readonly<Record<string, Verdict>> = {
  InternalError: "transient",
  InternalFailure: "transient",
  RequestTimeout: "transient",
  RequestTimeoutException: "transient",
  ServiceUnavailable: "transient",
  ServiceUnavailableException: "transient",
  TimeoutError: "transient",

  BandwidthLimitExceeded: "throttled",
  KmsThrottled: "throttled",
  OverLimit: "throttled",
  RequestLimitExceeded: "throttled",
  RequestThrottled: "throttled",
  RequestThrottledException: "throttled",
  SlowDown: "throttled",
  Throttling: "throttled",
  ThrottlingException: "throttled",
  ThrottledException: "throttled",
  TooManyRequestsException: "throttled",

  InvalidAddress: "no-queue",
  NonExistentQueue: "no-queue",
  QueueDeletedRecently: "no-queue",
  QueueDoesNotExist: "no-queue",

  RequestExpired: "clock",
  RequestInTheFuture: "clock",
  RequestTimeTooSkewed: "clock",

  CredentialsProviderError: "no-credentials",
  ExpiredToken: "no-credentials",
  ExpiredTokenException: "no-credentials",
  InvalidAccessKeyId: "no-credentials",
  InvalidClientTokenId: "no-credentials",
  InvalidSignatureException: "no-credentials",
  MissingAuthenticationToken: "no-credentials",
  MissingAuthenticationTokenException: "no-credentials",
  SignatureDoesNotMatch: "no-credentials",
  TokenProviderError: "no-credentials",
  UnrecognizedClientException: "no-credentials",

  AccessDenied: "forbidden",
  AccessDeniedException: "forbidden",
  AuthorizationError: "forbidden",
  InvalidSecurity: "forbidden",
  OptInRequired: "forbidden",

  KmsAccessDenied: "key",
  KmsDisabled: "key",
  KmsInvalidKeyUsage: "key",
  KmsInvalidState: "key",
  KmsNotFound: "key",
  KmsOptInRequired: "key",
}

/** OpenSSL's and Node's codes for a peer that is not who it should be, or does not speak TLS. */
const CERTIFICATE =
  /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|HOSTNAME_MISMATCH|INVALID_CA)/

/** What may be tried again is, as long as the call's time lasts; a bad answer may have hidden messages. */
const ATTEMPTS: Partial<Record<Verdict, number>> = {
  transient: Number.POSITIVE_INFINITY,
  throttled: Number.POSITIVE_INFINITY,
  unreadable: 3,
}

/** The shapes that the SDK and Node give to errors. */
interface Thrown {
  readonly name?: unknown
  readonly message?: unknown
  readonly code?: unknown
  readonly $fault?: unknown
  readonly $metadata?: { readonly httpStatusCode?: number; readonly clockSkewCorrected?: boolean }
}

/** @returns null for an error that no queue and no network explains: a bug. */
export function judge(error: unknown): Failure | null {
  if (typeof error !== "object" || error === null) return null
  const { name, message, code, $fault, $metadata } = error as Thrown
  const status = $metadata?.httpStatusCode ?? 0
  if ($fault === undefined && typeof code === "string") {
    return failure(code, CERTIFICATE.test(code) ? "certificate" : "transient")
  }
  if ($fault === undefined && status > 0) return judgeStatus(status)
  const known = VERDICTS[nameOf(name)]
  const isClock = known === "clock" || (known === "no-credentials" && isAboutTime(message))
  if (isClock) return { ...failure(nameOf(name), "clock"), attempts: $metadata?.clockSkewCorrected ? 2 : 1 }
  if (known !== undefined) return failure(nameOf(name), known)
  if ($fault === undefined) return null
  if (status === 429) return failure(nameOf(name), "throttled")
  return failure(nameOf(name), status >= 500 ? "transient" : "refused")
}

/** An answer without an error of SQS in it comes from something in between, or from no SQS at all. */
function judgeStatus(status: number): Failure {
  if (status === 429) return failure("Http429", "throttled")
  return status >= 500 ? failure(`Http${status}`, "transient") : failure("UnreadableAnswer", "unreadable")
}

function failure(code: string, verdict: Verdict): Failure {
  return { code: nameOf(code), verdict, attempts: ATTEMPTS[verdict] ?? 1 }
}

/** A name comes from the other side of the network: print it only if it looks like one. */
function nameOf(name: unknown): string {
  const short = String(name).replace(/^AWS\.SimpleQueueService\./, "")
  return /^\w[\w.-]{0,63}$/.test(short) ? short : "UnknownError"
}

/** A signature that is refused for its age has the name of one that is wrong. */
function isAboutTime(message: unknown): boolean {
  return typeof message === "string" && /^Signature (expired|not yet current)/.test(message)
}

const ACTIONS: Record<Call, string> = {
  receive: "sqs:ReceiveMessage",
  delete: "sqs:DeleteMessage",
  extend: "sqs:ChangeMessageVisibility",
  attributes: "sqs:GetQueueAttributes",
}

/** What to tell the operator once a call is given up. */
export function explain({ verdict, code }: Failure, call: Call, queue: string): UserError {
  const because = `(${call}: ${code})`
  switch (verdict) {
    case "transient":
      return new UserError("unavailable", `queue ${queue} does not answer ${because}`, {
        hint: "check the network, queue.endpoint and queue.region; nothing is lost, start again",
      })
    case "throttled":
      return new UserError("unavailable", `queue ${queue} keeps throttling us ${because}`, {
        hint: "lower queue.pollers, or raise the account's limits; nothing is lost, start again",
      })
    case "unreadable":
      return new UserError("unavailable", `the answer for queue ${queue} is not one of SQS ${because}`, {
        hint: "check queue.endpoint, and what stands between here and the queue (a proxy, a login page)",
      })
    case "no-queue":
      return new UserError("config", `queue ${queue} does not exist ${because}`, {
        hint: "check queue.url and queue.region, and that the credentials are of the right account",
      })
    case "clock":
      return new UserError(
        "config",
        `queue ${queue} refuses us because this machine's clock is wrong ${because}`,
        {
          hint: "set the clock (NTP), then start again",
        },
      )
    case "no-credentials":
      return new UserError("permission", `no valid AWS credentials for queue ${queue} ${because}`, {
        hint: "set AWS_PROFILE, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or attach a role; renew what expired",
      })
    case "forbidden":
      return new UserError("permission", `not allowed to use queue ${queue} ${because}`, {
        hint: `the role needs ${ACTIONS[call]} on this queue`,
      })
    case "key":
      return new UserError(
        "permission",
        `not allowed to use the encryption key of queue ${queue} ${because}`,
        {
          hint: "the role needs kms:Decrypt on the queue's key, and the key must be enabled",
        },
      )
    case "certificate":
      return new UserError(
        "config",
        `the certificate at the endpoint of queue ${queue} is not trusted ${because}`,
        {
          hint: "queue.endpoint must be the name in the certificate; queue.caFile names a private authority",
        },
      )
    case "refused":
      return new UserError("config", `queue ${queue} refuses the call ${because}`, {
        hint: "check queue.url, and that queue.endpoint is an SQS endpoint",
      })
  }
}
