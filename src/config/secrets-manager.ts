import { Agent } from "node:https"
import type { SecretsManagerClientConfig } from "@aws-sdk/client-secrets-manager"
import { UserError } from "../errors.ts"

export interface SecretsManagerOptions {
  readonly region: string
  /** null: Amazon's own endpoint of the region. */
  readonly endpoint: string | null
  /** Certificate authorities to trust instead of the usual ones: PEM. */
  readonly ca?: string | null
  /** Milliseconds for the whole answer, retries and the search for credentials included. */
  readonly deadlineMs?: number
}

const DEADLINE_MS = 10_000

/** A dead host is tried again within the deadline; one attempt never takes all of it. */
const ATTEMPTS = 3

const DENIED = new Set([
  "AccessDeniedException",
  "AccessDenied",
  "CredentialsProviderError",
  "DecryptionFailure",
  "ExpiredTokenException",
  "ExpiredToken",
  "IncompleteSignature",
  "InvalidClientTokenId",
  "InvalidSignatureException",
  "MissingAuthenticationToken",
  "NotAuthorized",
  "OptInRequired",
  "RequestExpired",
  "RequestTimeTooSkewed",
  "SignatureDoesNotMatch",
  "TokenProviderError",
  "UnrecognizedClientException",
])

const MISCONFIGURED = new Set([
  "InvalidParameterException",
  "InvalidRequestException",
  "ResourceNotFoundException",
  "ValidationException",
])

/** OpenSSL's and Node's codes for a peer that is not who it should be, or does not speak TLS. */
const CERTIFICATE =
  /^(ERR_TLS|ERR_SSL|CERT_|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO_(GET_ISSUER|VERIFY)|HOSTNAME_MISMATCH|INVALID_CA)/

/**
 * The text of a secret's current version, from AWS Secrets Manager.
 *
 * Only the configured endpoint is asked: neither AWS_ENDPOINT_URL… nor
 * `endpoint_url` in an AWS profile is followed.
 *
 * @throws UserError: `permission` when credentials are missing or not good
 * enough, `config` for a secret that does not exist or holds bytes instead of
 * text, `unavailable` when no answer came in time. It names the secret's id and
 * AWS's name for the error, never an answer's text.
 */
export async function fetchSecret(id: string, options: SecretsManagerOptions): Promise<string> {
  // Loaded only now: most commands and most set-ups never ask AWS for a secret.
  const { GetSecretValueCommand, SecretsManagerClient } = await import("@aws-sdk/client-secrets-manager")
  const deadlineMs = options.deadlineMs ?? DEADLINE_MS
  const client = new SecretsManagerClient(clientConfig(options, deadlineMs))
  const late = new AbortController()
  const timer = setTimeout(() => late.abort(), deadlineMs)
  const outOfTime = new Promise<never>((_, reject) => {
    late.signal.addEventListener("abort", () => reject(new DOMException("", "TimeoutError")))
  })
  try {
    const command = new GetSecretValueCommand({ SecretId: id })
    // The signal alone does not reach the search for credentials.
    const secret = await Promise.race([client.send(command, { abortSignal: late.signal }), outOfTime])
    if (secret.SecretString !== undefined) return secret.SecretString
  } catch (error) {
    throw secretError(id, error)
  } finally {
    clearTimeout(timer)
    client.destroy()
  }
  throw new UserError("config", `secret ${id} holds bytes (SecretBinary), not text`, {
    hint: "store it again as text: aws secretsmanager put-secret-value --secret-string",
  })
}

function clientConfig(
  { region, endpoint, ca = null }: SecretsManagerOptions,
  deadlineMs: number,
): SecretsManagerClientConfig {
  const silent = () => undefined
  return {
    region,
    ...(endpoint !== null && { endpoint }),
    ignoreConfiguredEndpointUrls: true,
    maxAttempts: ATTEMPTS,
    // The SDK warns on the console, which belongs to the terminal UI.
    logger: { trace: silent, debug: silent, info: silent, warn: silent, error: silent },
    requestHandler: {
      connectionTimeout: deadlineMs / ATTEMPTS,
      requestTimeout: deadlineMs / ATTEMPTS,
      // Otherwise a request that takes too long is only warned about.
      throwOnRequestTimeout: true,
      // Said aloud, because NODE_TLS_REJECT_UNAUTHORIZED=0 changes the default.
      httpsAgent: new Agent({ rejectUnauthorized: true, ...(ca !== null && { ca }) }),
    },
  }
}

function secretError(id: string, error: unknown): UserError {
  const name = errorName(error)
  const what = `secret ${id}: ${name}`
  if (DENIED.has(name)) {
    return new UserError("permission", `${what}: AWS does not let us read it`, {
      hint: "check the AWS credentials, secretsmanager:GetSecretValue (and kms:Decrypt) on this secret, and the clock",
    })
  }
  if (MISCONFIGURED.has(name)) {
    return new UserError("config", `${what}: AWS has no such secret to give`, {
      hint: "check the secret's id, its region, and that it is not being deleted",
    })
  }
  if (CERTIFICATE.test(name)) {
    return new UserError("config", `${what}: the certificate of Secrets Manager's endpoint is not trusted`, {
      hint: "secrets.endpoint must be the name in the certificate; secrets.caFile names a private authority",
    })
  }
  return new UserError("unavailable", `${what}: Secrets Manager did not answer`, {
    hint: "check the network, secrets.region and secrets.endpoint",
  })
}

/** AWS's name of an error, or a socket's code. The name comes over the network, so only a name-like one is repeated. */
function errorName(error: unknown): string {
  if (!(error instanceof Error)) return "no error"
  const code = "code" in error && typeof error.code === "string" ? error.code : undefined
  const name = error.name === "Error" && code !== undefined ? code : error.name
  return /^[A-Za-z0-9_]{1,64}$/.test(name) ? name : "an error without a name"
}
