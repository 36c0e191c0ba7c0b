import { UserError } from "../errors.ts"

interface Words {
  readonly kind: UserError["kind"]
  readonly says: string
  readonly hint?: string
}

const ASK_AGAIN = "peppermill recover request makes a new one"

/** What the vault's functions answer instead of doing it. */
const WORDS: Readonly<Record<string, Words>> = {
  "no-target": {
    kind: "usage",
    says: "a recovery names tokens, a subject, or both",
    hint: "--token, --tokens-file, --subject",
  },
  "too-many": { kind: "usage", says: "a request names 100 tokens at most", hint: "split it" },
  "not-a-token": {
    kind: "usage",
    says: "not found: one of the tokens is not a token",
    hint: "a token is a key's id, a colon and 64 hex digits, as it stands in the event table",
  },
  "no-reason": {
    kind: "usage",
    says: "a reason has 10 characters at least, blanks not counted",
    hint: "say why, for those who read the audit log",
  },
  "too-long": {
    kind: "usage",
    says: "a reason has 1000 characters at most, a ticket 200, a subject 1000",
  },
  unknown: {
    kind: "permission",
    says: "there is no such request, or it is not yours",
    hint: "check the id, and the user of database.url: a request belongs to the user who made it",
  },
  own: {
    kind: "permission",
    says: "the request is your own",
    hint: "somebody else approves it",
  },
  waiting: {
    kind: "permission",
    says: "the request is not approved yet",
    hint: "peppermill recover status shows who approved it, and how many it needs",
  },
  expired: { kind: "permission", says: "the request has expired", hint: ASK_AGAIN },
  "already-denied": { kind: "permission", says: "the request was denied", hint: ASK_AGAIN },
  "already-released": {
    kind: "permission",
    says: "the request was released before; each is good for once",
    hint: ASK_AGAIN,
  },
  "already-approved": { kind: "permission", says: "you have approved this request before" },
  uncommitted: {
    kind: "permission",
    says: "the request is not committed yet",
    hint: "commit it first, then release it",
  },
}

/** A refusal of the vault in words. The vault has recorded it. */
export function refusal(status: string): UserError {
  const { kind, says, hint } = WORDS[status] ?? { kind: "permission", says: "the vault refused it" }
  return new UserError(kind, says, hint === undefined ? {} : { hint })
}
