import { isIP } from "node:net"
import { UserError } from "../errors.ts"

export interface ListenAddress {
  /** An IP address. */
  readonly host: string
  /** 0: any that is free. */
  readonly port: number
}

const LOOPBACK = "127.0.0.1"

/**
 * Where to serve metrics: `9464` and `localhost:9464` are for this machine
 * alone, `0.0.0.0:9464` and `[::]:9464` for every network it is on.
 *
 * @throws UserError of kind `config` whose message begins after the setting's name.
 */
export function parseListenAddress(text: string): ListenAddress {
  const match = /^(?:(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]]*))(:))?([0-9]{1,5})$/.exec(text)
  const port = Number(match?.[4])
  if (match === null || port > 65_535) {
    throw new UserError("config", "is not [HOST:]PORT", {
      hint: "for example 127.0.0.1:9464; an IPv6 address stands in brackets, [::1]:9464",
    })
  }
  const [, ipv6, name, colon] = match
  const host = ipv6 ?? name
  // To some programs this means every network, to others none.
  if (host === "") {
    throw new UserError("config", "begins with a colon: it does not say for whom", {
      hint: `127.0.0.1:${port} is for this machine alone, 0.0.0.0:${port} for every network it is on`,
    })
  }
  if (colon === undefined || host === undefined || host.toLowerCase() === "localhost")
    return { host: LOOPBACK, port }
  if (isIP(host) !== (ipv6 === undefined ? 4 : 6)) {
    throw new UserError("config", "does not name an IP address", {
      hint: "write 127.0.0.1, [::1], or 0.0.0.0 for every network of this machine",
    })
  }
  return { host, port }
}
