import { createHash } from "node:crypto"

/** What share of the logins is of somebody who was there before, from the same device and address. */
export type Repeats = 0 | 0.9

/** People that the repeats are drawn from. */
const REGULARS = 2000

/** The `index`-th login body of `seed`: always the same, so that every contender gets the same messages. */
export function loginBody(seed: string, index: number, repeats: Repeats): string {
  const isRepeat = index % 10 < repeats * 10 && index >= REGULARS
  const person = isRepeat ? (index * 7919) % REGULARS : index
  const digest = createHash("sha256").update(`${seed} ${person}`).digest()
  const hex = digest.toString("hex")
  return JSON.stringify({
    user_id: `${hex.slice(0, 8)}-${hex.slice(8, 12)}-4${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`,
    app_version: `${(digest[20] ?? 0) % 10}.${(digest[21] ?? 0) % 100}.${index % 10}`,
    device_type: index % 2 === 0 ? "android" : "ios",
    ip: `${(digest[16] ?? 0) % 224}.${digest[17]}.${digest[18]}.${digest[19]}`,
    locale: index % 3 === 0 ? null : "RU",
    device_id: `${hex.slice(40, 43)}-${hex.slice(43, 45)}-${hex.slice(45, 56)}`,
  })
}
