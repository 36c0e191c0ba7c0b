/** What a person should hear about, once. No part of it is personal data. */
export interface Alert {
  readonly kind:
    | "run-failed"
    | "reject-rate"
    | "oldest-message"
    | "dead-letters"
    | "recovery"
    | "audit-broken"
  /** `ok`: what an alarm was about is over. */
  readonly state: "alarm" | "ok"
  /** One sentence. */
  readonly words: string
  /** Of a recovery: its request, and the database user who made it. */
  readonly request?: string
  readonly actor?: string
  readonly count?: number
}
