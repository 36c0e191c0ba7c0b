/** Variables by which Node trusts other authorities than those built into it. */
const AUTHORITIES = ["NODE_EXTRA_CA_CERTS", "NODE_USE_SYSTEM_CA"]

/**
 * Let no variable decide whom this process trusts. Certificates are always
 * verified, against the authorities built into Node or those of a `caFile`; and
 * the AWS SDK asks Amazon for credentials, whatever AWS_ENDPOINT_URL_STS or an
 * `endpoint_url` in a profile says: whoever gives us credentials of another
 * account chooses what `aws-sm:` finds there.
 *
 * Before the first connection, because Node and the SDK read these when they connect.
 */
export function trustNoVariable(env: NodeJS.ProcessEnv): void {
  delete env["NODE_TLS_REJECT_UNAUTHORIZED"]
  env["AWS_IGNORE_CONFIGURED_ENDPOINT_URLS"] = "true"
  // Not always: it takes 30 ms, TLS itself to load, and without these variables it changes nothing.
  if (AUTHORITIES.some((name) => env[name] !== undefined)) {
    const tls = process.getBuiltinModule("node:tls")
    tls.setDefaultCACertificates(tls.getCACertificates("bundled"))
  }
}
