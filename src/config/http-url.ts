import { isIP } from "node:net"
import ipaddr from "ipaddr.js"
import { UserError } from "../errors.ts"

/**
 * Whether a host name or address can only mean this machine: 127.0.0.0/8, ::1,
 * and `localhost` with the names under it (RFC 6761, section 6.3).
 */
export function isLoopback(host: string): boolean {
  if (isIP(host) !== 0) return ipaddr.process(host).range() === "loopback"
  return /^(.+\.)?localhost$/i.test(host)
}

/**
 * Read the URL of a service. Its host and path are all that counts: no user or
 * password, no query, no fragment, and https unless the host is this machine or
 * `allowPlainHttp` says that the network may be trusted.
 *
 * @throws UserError of kind `config`. It says what is wrong, not where the text
 * came from, and repeats nothing of it: it may hold a password.
 */
export function parseHttpUrl(text: string, allowPlainHttp: boolean): URL {
  // The URL parser drops tabs and line breaks without a word.
  if (/[\s\p{Cc}]/u.test(text)) throw new UserError("config", "has blanks or control characters")
  let url: URL
  try {
    url = new URL(text)
  } catch {
    // The parser's own error repeats the whole text.
    throw new UserError("config", "is not a URL")
  }
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new UserError("config", "must start with https://")
  }
  if (url.username !== "" || url.password !== "") {
    throw new UserError("config", "holds a user name or password", {
      hint: "take it out of the URL: credentials come from the usual AWS sources",
    })
  }
  if (/[?#]/.test(text)) throw new UserError("config", "has a query or a fragment")
  if (url.protocol === "http:" && !isLoopback(bareHost(url)) && !allowPlainHttp) {
    throw new UserError("config", "is plain http to another host", {
      hint: "use https, or set allowPlainHttp where the network itself is trusted",
    })
  }
  return url
}

/** The host without the brackets that URLs put around an IPv6 address. */
export function bareHost(url: URL): string {
  return url.hostname.replace(/^\[(.*)\]$/, "$1")
}
