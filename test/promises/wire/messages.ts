import { login } from "../../shape.ts"

/** The `n`-th message of a proof. Its device type tells which one it is. */
export interface Sent {
  readonly n: number
  readonly body: string
  /** null: this one is to be quarantined. */
  readonly event: Readonly<Record<"user_id" | "device_type" | "ip" | "device_id", string>> | null
}

/** A login, but every tenth is none. */
export function message(n: number): Sent {
  return n % 10 === 7 ? { n, body: `{"user_id":"u-${n}","no":"login"}`, event: null } : loginMessage(n)
}

/** People share addresses, and come again with the same ones: originals repeat. */
export function loginMessage(n: number): Sent {
  const person = n - (n % 3)
  const event = {
    user_id: `u-${person}`,
    device_type: deviceType(n),
    ip: `198.18.${(person >> 8) & 255}.${person & 255}`,
    device_id: `canary-device-${person % 7 === 0 ? "shared" : n}`,
  }
  return { n, body: login(event), event }
}

export const deviceType = (n: number) => `t-${n}`
