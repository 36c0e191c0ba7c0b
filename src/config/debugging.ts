import { UserError } from "../errors.ts"

/**
 * Refuse to work while Node reports on itself: it prints requests with their
 * headers, and so the session token of our AWS credentials, and it has begun
 * before we could stop it.
 *
 * @throws UserError of kind `config`.
 */
export function refuseDebugging(env: Readonly<Record<string, string | undefined>>): void {
  if (!env["NODE_DEBUG"]) return
  throw new UserError("config", "NODE_DEBUG is set, and Node would print requests with their credentials", {
    hint: "unset NODE_DEBUG; observe.logLevel: debug says more without them",
  })
}
