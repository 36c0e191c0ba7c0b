import { login } from "../../shape.ts"

/** The `n`-th message of a proof. Its device type tells which one it is. */
export interface Sent {
  readonly n: number
  readonly body: string
  /** null: this one is to be quarantined. */
  readonly event: Readonly<Record<"user_id" | "device_type" | "ip" | "device_id", string>> | null
}

/** Every tenth is no login. People share addresses, and come again with the same ones: originals repeat. */
export function message(n: number): Sent {
  if (n % 10 === 7) return { n, body: `{"user_id":"u-${n}","no":"login"}`, event: null }
  const person = n % 3 === 0 ? n : n - (n % 3)
  const event = {
    user_id: `u-${person}`,
    device_type: `t-${n}`,
    ip: `10.0.${(person >> 8) & 255}.${person & 255}`,
    device_id: `device-${person % 7 === 0 ? "shared" : n}`,
  }
  return { n, body: login(event), event }
}
