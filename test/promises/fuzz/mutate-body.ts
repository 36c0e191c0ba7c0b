import { login } from "../../shape.ts"
import { pick } from "../wire/random.ts"

/** Bodies that are good, nearly good, or broken in a known way: what mutations begin with. */
export const SEEDS: readonly string[] = [
  login(),
  login({ ip: "2001:DB8:0:0:0:0:0:1", locale: null }),
  login({ ip: "::ffff:203.0.113.77", app_version: "2146.999.999" }),
  login({ ip: "fe80::1%eth0", user_id: "😀".repeat(128), device_id: "é" }),
  login({ ip: "64:ff9b::192.0.2.33", app_version: "7", locale: undefined }),
  login({ device_id: "\u0001\u001b[0m\u202e", locale: "" }),
  login({ extra: { deep: [1, [2, { three: "3" }]] } }),
  login({ ip: "300.1.2.3" }),
  `[${login()}]`,
  `${login()}\n${login()}`,
  JSON.stringify({ Type: "Notification", Message: login() }),
  "{}",
  "null",
  "",
]

/** Texts that readers trip over: escapes, numbers beyond a double, names of the prototype, addresses that are almost some. */
const SCRAPS = [
  ...[
    '"',
    "\\",
    "{",
    "}",
    "[",
    "]",
    ",",
    ":",
    " ",
    "\t",
    "\n",
    "\r",
    "\0",
    "\x1b",
    "\u007f",
    "\u0085",
    "\u2028",
  ],
  ...["\ufeff", "\ud800", "\udc00", "\ud83d\ude00", "\u202e", "\u0301", "\u00a0", "\u0660", "９"],
  ...["\\u0000", "\\ud800", "\\udc00\\ud800", "\\u0069p", "\\x41", "\\", "\\u12", '\\"', "\\/"],
  ...[
    "-0",
    "1e400",
    "-1e400",
    "1E-400",
    "9007199254740993",
    "0x10",
    "01",
    "+1",
    ".5",
    "1.",
    "NaN",
    "Infinity",
  ],
  ...[
    "true",
    "null",
    "undefined",
    "[]",
    "{}",
    "/**/",
    "'",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
  ],
  ...['"ip":', '"ip":"198.51.100.1",', '"user_id":null,', '"__proto__":{"ip":"203.0.113.66"},'],
  ...[
    "::",
    "%",
    "1::2::3",
    "0x7f.1",
    "010.0.0.1",
    "256.256.256.256",
    "::ffff:1.2.3.4",
    "2146",
    "2147",
    "999",
    "1000",
  ],
]

const KEYS = [
  "user_id",
  "device_type",
  "ip",
  "device_id",
  "locale",
  "app_version",
  "__proto__",
  "ip ",
  "IP",
  "x",
]

const VALUES: readonly ((random: () => number) => unknown)[] = [
  () => null,
  () => true,
  () => "",
  () => [],
  () => ["203.0.113.7"],
  () => ({ ip: "203.0.113.7" }),
  () => "a\0b",
  () => "x\ud800",
  (random) => pick(random, 2 ** 32),
  (random) => random() * 10 ** pick(random, 300),
  (random) => "x".repeat(pick(random, 300)),
  (random) => "😀".repeat(pick(random, 300)),
  (random) => Array.from({ length: 4 }, () => pick(random, 300)).join("."),
  (random) => Array.from({ length: 1 + pick(random, 4) }, () => pick(random, 3000)).join("."),
  (random) => addressOf(random),
]

/** An IPv6 address in some spelling, right more often than not. */
function addressOf(random: () => number): string {
  const groups = Array.from({ length: 7 + pick(random, 3) }, () => {
    const digits = (random() < 0.4 ? 0 : pick(random, 65_536)).toString(16)
    return random() < 0.3 ? digits.padStart(4, "0").toUpperCase() : digits
  })
  const text = groups.join(":")
  return random() < 0.5 ? text.replace(/(?:\b0+:)+/, ":") : text
}

type Mutation = (body: string, random: () => number, other: string) => string

const insert = (body: string, at: number, text: string) => body.slice(0, at) + text + body.slice(at)

const MUTATIONS: readonly Mutation[] = [
  // A bit of a byte flips on the way.
  (body, random) => {
    const bytes = Buffer.from(body)
    const at = pick(random, bytes.length)
    bytes[at] = (bytes[at] ?? 0) ^ (1 << pick(random, 8))
    return bytes.toString()
  },
  (body, random) => insert(body, pick(random, body.length + 1), SCRAPS[pick(random, SCRAPS.length)] ?? ""),
  (body, random) => {
    const at = pick(random, body.length + 1)
    return body.slice(0, at) + body.slice(at + 1 + pick(random, 20))
  },
  (body, random) => {
    const at = pick(random, body.length)
    return insert(body, at, body.slice(at, at + pick(random, 30)).repeat(1 + pick(random, 3)))
  },
  // Two bodies run into each other.
  (body, random, other) =>
    body.slice(0, pick(random, body.length + 1)) + other.slice(pick(random, other.length + 1)),
  // A character by its escape, which means the same.
  (body, random) => {
    const at = pick(random, body.length)
    const escaped = `\\u${body.charCodeAt(at).toString(16).padStart(4, "0")}`
    return body === "" ? body : body.slice(0, at) + escaped + body.slice(at + 1)
  },
  // A key comes twice.
  (body, random) => insert(body, body.indexOf("{") + 1, `"${anyKey(random)}":${anyJson(random)},`),
  (body, random) => changed(body, (object) => ({ ...object, [anyKey(random)]: anyValue(random) })),
  (body, random) => changed(body, (object) => ({ ...object, [anyKey(random)]: anyValue(random) })),
  (body, random) => changed(body, ({ [anyKey(random)]: _, ...rest }) => rest),
  (body, random) => changed(body, (object) => ({ ...object, [anyKey(random)]: [object] })),
]

const anyKey = (random: () => number) => KEYS[pick(random, KEYS.length)] ?? ""
const anyValue = (random: () => number) => VALUES[pick(random, VALUES.length)]?.(random)
const anyJson = (random: () => number) => JSON.stringify(anyValue(random))

function changed(body: string, change: (object: Record<string, unknown>) => unknown): string {
  try {
    const json: unknown = JSON.parse(body)
    if (typeof json !== "object" || json === null || Array.isArray(json)) return body
    return JSON.stringify(change(json as Record<string, unknown>))
  } catch {
    return body
  }
}

/** Rarely, because they are large: as deep as a body can be, and as long as SQS takes. */
const HEAVY: readonly Mutation[] = [
  (body, random) => nested(body, 10 ** (1 + pick(random, 5)), "[", "]"),
  (body, random) => nested(body, 10 ** (1 + pick(random, 4)), '{"a":', "}"),
  (body) => insert(body, body.indexOf("{") + 1, `"x":"${"y".repeat(900_000)}",`),
  (body) => insert(body, body.indexOf("{") + 1, `"ip":"${"1.".repeat(400_000)}",`),
  (body) =>
    insert(body, body.indexOf("{") + 1, Array.from({ length: 50_000 }, (_, i) => `"k${i}":1,`).join("")),
  (body) => `${" ".repeat(900_000)}${body}`,
]

const HEAVY_ONE_IN = 2_000

function nested(body: string, depth: number, open: string, close: string): string {
  return insert(body, body.indexOf("{") + 1, `"x":${open.repeat(depth)}1${close.repeat(depth)},`)
}

/** A body after one to four mutations. */
export function mutateBody(corpus: readonly string[], random: () => number): string {
  const any = () => corpus[pick(random, corpus.length)] ?? ""
  let body = any()
  for (let times = 1 + pick(random, 4); times > 0; times--) {
    body = (MUTATIONS[pick(random, MUTATIONS.length)] as Mutation)(body, random, any())
  }
  if (pick(random, HEAVY_ONE_IN) > 0) return body
  return (HEAVY[pick(random, HEAVY.length)] as Mutation)(body, random, "")
}
