import { UserError } from "../errors.ts"
import type { Config } from "./config.ts"

/** Variables by which the AWS SDK would be sent to another host, and the settings that may say the same. */
const OVERRIDES = {
  AWS_ENDPOINT_URL: ["queue.endpoint", "secrets.endpoint", "alerts.endpoint"],
  AWS_ENDPOINT_URL_SQS: ["queue.endpoint"],
  AWS_ENDPOINT_URL_SNS: ["alerts.endpoint"],
  AWS_ENDPOINT_URL_SECRETS_MANAGER: ["secrets.endpoint"],
} as const

/**
 * Refuse an environment that would redirect AWS calls behind the configuration's
 * back: whoever answers for Secrets Manager chooses the mask key, and whoever
 * answers for SQS gets our signature. The same address as configured is harmless.
 *
 * @throws UserError of kind `config` naming the variable, not its value.
 */
export function refuseEndpointOverrides(
  config: Config,
  env: Readonly<Record<string, string | undefined>>,
): void {
  const endpoints = {
    "queue.endpoint": config.queue.endpoint,
    "secrets.endpoint": config.secrets.endpoint,
    "alerts.endpoint": config.alerts.endpoint,
  }
  for (const [name, settings] of Object.entries(OVERRIDES)) {
    const value = env[name]
    if (value === undefined || value === "") continue
    if (settings.some((setting) => sameUrl(endpoints[setting], value))) continue
    throw new UserError("config", `${name} is set, and it is not our ${settings.join(" or ")}`, {
      hint: `unset ${name}, or set ${settings.join(" or ")} to the same address`,
    })
  }
}

function sameUrl(ours: string | null, theirs: string): boolean {
  return (
    ours !== null && URL.canParse(ours) && URL.canParse(theirs) && new URL(ours).href === new URL(theirs).href
  )
}
