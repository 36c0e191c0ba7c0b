import { isIPv6 } from "node:net"
import ipaddr from "ipaddr.js"

// Without leading zeros, which some readers take for octal: 010.0.0.1 is two addresses.
const OCTET = "(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
const IPV4 = new RegExp(`^${OCTET}(?:\\.${OCTET}){3}$`)

// ipaddr.js reads ::1.2.3.4 as if it were ::ffff:1.2.3.4, another address; in hex it reads both right.
const DOTTED_TAIL = /([0-9]+)\.([0-9]+)\.([0-9]+)\.([0-9]+)$/
const inHex = (_: string, ...octets: string[]) => {
  const [a = 0, b = 0, c = 0, d = 0] = octets.slice(0, 4).map(Number)
  return `${(a * 256 + b).toString(16)}:${(c * 256 + d).toString(16)}`
}

/**
 * The one spelling of an IP address: IPv4 as a dotted quad, IPv6 per RFC 5952
 * without its zone, IPv4-mapped IPv6 as its IPv4 address. Loopback, multicast
 * and reserved addresses are addresses too.
 *
 * @param text - An IPv4 dotted quad, or any RFC 4291 text of an IPv6 address.
 * @returns The canonical text, or null when `text` is not an address.
 */
export function canonicalIp(text: string): string | null {
  if (IPV4.test(text)) return text
  // The longest IPv6 text has 45 characters, a zone is an interface name: megabytes need not be looked at.
  if (text.length > 128 || !isIPv6(text)) return null
  const [withoutZone = ""] = text.split("%", 1)
  const address = ipaddr.IPv6.parse(withoutZone.replace(DOTTED_TAIL, inHex))
  return address.isIPv4MappedAddress() ? address.toIPv4Address().toString() : address.toRFC5952String()
}
