/**
 * A certificate authority of our own, made in a millisecond with node:crypto:
 * for tests of who is trusted, without a program and without a key in the
 * repository. X.509 version 3 (RFC 5280), ECDSA on P-256, good for a day.
 */
import { generateKeyPairSync, type KeyObject, sign } from "node:crypto"

export interface Identity {
  /** PEM, as node:tls takes them. */
  readonly key: string
  readonly cert: string
}

export interface Authority {
  /** PEM: what to trust. */
  readonly ca: string
  /** A server certificate for these host names and IPv4 addresses. */
  issue(...hosts: readonly string[]): Identity
}

const ECDSA_SHA256 = "1.2.840.10045.4.3.2"
const COMMON_NAME = "2.5.4.3"
const BASIC_CONSTRAINTS = "2.5.29.19"
const SUBJECT_ALTERNATIVE_NAME = "2.5.29.17"
const DAY_MS = 86_400_000

export function createAuthority(name = "peppermill test authority"): Authority {
  const authority = generateKeyPairSync("ec", { namedCurve: "P-256" })
  const isAuthority = seq(oid(BASIC_CONSTRAINTS), bool(true), octets(seq(bool(true))))
  const self = certificate(name, authority.publicKey, isAuthority)

  function certificate(subject: string, publicKey: KeyObject, extension: Buffer): string {
    const algorithm = seq(oid(ECDSA_SHA256))
    const body = seq(
      tlv(0xa0, integer(2)),
      integer(Math.floor(Math.random() * 0x7fffffff)),
      algorithm,
      commonName(name),
      seq(time(Date.now() - DAY_MS), time(Date.now() + DAY_MS)),
      commonName(subject),
      publicKey.export({ type: "spki", format: "der" }),
      tlv(0xa3, seq(extension)),
    )
    const signature = sign("sha256", body, authority.privateKey)
    return pem("CERTIFICATE", seq(body, algorithm, tlv(0x03, Buffer.of(0), signature)))
  }

  return {
    ca: self,
    issue(...hosts) {
      const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" })
      const names = seq(...hosts.map(generalName))
      const cert = certificate(hosts[0] ?? "", publicKey, seq(oid(SUBJECT_ALTERNATIVE_NAME), octets(names)))
      return { cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() }
    },
  }
}

function generalName(host: string): Buffer {
  const isAddress = /^\d+\.\d+\.\d+\.\d+$/.test(host)
  return isAddress ? tlv(0x87, Buffer.from(host.split(".").map(Number))) : tlv(0x82, Buffer.from(host))
}

function commonName(text: string): Buffer {
  return seq(tlv(0x31, seq(oid(COMMON_NAME), tlv(0x0c, Buffer.from(text)))))
}

function time(ms: number): Buffer {
  return tlv(0x17, Buffer.from(`${new Date(ms).toISOString().replace(/[-:T]/g, "").slice(2, 14)}Z`))
}

function oid(text: string): Buffer {
  const [first = 0, second = 0, ...rest] = text.split(".").map(Number)
  return tlv(0x06, Buffer.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(value: number): number[] {
  const low = value & 0x7f
  const high = value >>> 7
  return high === 0 ? [low] : [...base128(high).map((byte) => byte | 0x80), low]
}

function integer(value: number): Buffer {
  const hex = value.toString(16)
  const bytes = Buffer.from(hex.length % 2 ? `0${hex}` : hex, "hex")
  return tlv(0x02, (bytes[0] as number) & 0x80 ? Buffer.of(0) : Buffer.alloc(0), bytes)
}

const bool = (value: boolean) => tlv(0x01, Buffer.of(value ? 0xff : 0))
const octets = (content: Buffer) => tlv(0x04, content)
const seq = (...content: readonly Buffer[]) => tlv(0x30, ...content)

/** Tag, length, value: the one construction that DER knows. */
function tlv(tag: number, ...content: readonly Buffer[]): Buffer {
  const value = Buffer.concat(content)
  if (value.length < 0x80) return Buffer.concat([Buffer.of(tag, value.length), value])
  const length = Buffer.from(value.length.toString(16).padStart(4, "0"), "hex")
  return Buffer.concat([Buffer.of(tag, 0x80 | length.length), length, value])
}

function pem(label: string, der: Buffer): string {
  const lines = der.toString("base64").match(/.{1,64}/g) ?? []
  return [`-----BEGIN ${label}-----`, ...lines, `-----END ${label}-----`, ""].join("\n")
}
