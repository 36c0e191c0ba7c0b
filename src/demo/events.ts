/** Login events as a busy service might send them. The same seed gives the same events. */
export interface DemoEvents {
  readonly bodies: readonly string[]
  /** Bodies that no run can store. */
  readonly malformed: number
  /** Every clear value of a masked field in the good bodies, once each. */
  readonly clearValues: readonly string[]
}

const LOCALES = ["DE", "FR", "IN", "BR", "JP", "US", null, null]
const VERSIONS = ["0.9", "2.3.0", "2.3", "2.10.1", "6.02", "11.0.4"]

// Not the addresses one expects, and addresses all the same.
const ODD_ADDRESSES = ["127.96.0.101", "224.0.0.251", "240.1.2.3", "2001:DB8:0:0:0:0:0:7", "fe80::1%eth0"]

const MALFORMED = [
  '{"foo":"not a login","bar":"123"}',
  "not json at all",
  '["an","array"]',
  '{"user_id":"u-broken","device_type":"ios","ip":"300.1.2.3","device_id":"d","locale":"DE","app_version":"1.0"}',
  '{"user_id":"u-broken","device_type":"ios","ip":"192.0.2.1","device_id":"d","locale":"DE","app_version":"v9"}',
  '{"user_id":"u-broken","device_type":["ios"],"ip":"192.0.2.1","device_id":"d","locale":"DE","app_version":"1"}',
  '{"user_id":"","device_type":"ios","ip":"192.0.2.1","device_id":"d","locale":"DE","app_version":"1.0"}',
]

/**
 * @param count - Good events. People log in again and again, share addresses
 * (an office, a household) and sometimes a device.
 */
export function demoEvents(count: number, seed = 1): DemoEvents {
  const random = mulberry32(seed)
  const pick = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T
  const people = Array.from({ length: Math.max(2, Math.round(count / 12)) }, (_, index) => {
    const home = random() < 0.1 ? pick(ODD_ADDRESSES) : `198.51.100.${1 + Math.floor(random() * 254)}`
    return {
      user_id: `person-${index + 1}`,
      device_type: pick(["ios", "android"]),
      device_id: `device-${Math.floor(random() * 1e9).toString(36)}`,
      locale: pick(LOCALES),
      addresses: [home, `203.0.113.${1 + Math.floor(random() * 12)}`],
    }
  })
  const clearValues = new Set<string>()
  const bodies = Array.from({ length: count }, () => {
    const person = pick(people)
    const { user_id, device_type, locale } = person
    const ip = pick(person.addresses)
    const device_id = random() < 0.05 ? pick(people).device_id : person.device_id
    clearValues.add(ip).add(device_id)
    return JSON.stringify({ user_id, app_version: pick(VERSIONS), device_type, ip, locale, device_id })
  })
  MALFORMED.forEach((body, index) => {
    bodies.splice(Math.floor(((index + 0.5) * bodies.length) / MALFORMED.length), 0, body)
  })
  return { bodies, malformed: MALFORMED.length, clearValues: [...clearValues] }
}

/** A small random generator that can be seeded: for examples, never for secrets. */
function mulberry32(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
