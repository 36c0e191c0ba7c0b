import { isAbsolute } from "node:path"

/** Where a secret is kept. The text of a reference is not secret: it may be shown. */
export type Reference =
  | { readonly kind: "env"; readonly name: string }
  | { readonly kind: "file"; readonly path: string }
  /** `id` is a secret's name or ARN; `key` a place in its JSON, null for the whole text. */
  | { readonly kind: "aws-sm"; readonly id: string; readonly key: string | null }

export const REFERENCE_FORMS = "env:NAME, file:/absolute/path or aws-sm:ID#json.key"

const VARIABLE = /^[A-Za-z_][A-Za-z0-9_]*$/

/** What AWS allows in a secret's name and ARN, and the `!` of the secrets that RDS manages. */
const SECRET_ID = /^[A-Za-z0-9/_+=.@!:-]{1,2048}$/

/** A mask key written behind `env:` instead of its variable's name must not end up in an error. */
const KEY_ITSELF = /^[0-9a-f]{32,}$/i

/** Read a reference, or null when the text is none: it may then be the secret itself, so show it to nobody. */
export function parseReference(text: string): Reference | null {
  const colon = text.indexOf(":")
  const rest = text.slice(colon + 1)
  switch (text.slice(0, Math.max(0, colon))) {
    case "env":
      return VARIABLE.test(rest) && !KEY_ITSELF.test(rest) ? { kind: "env", name: rest } : null
    case "file":
      return isAbsolute(rest) && !rest.includes("\0") ? { kind: "file", path: rest } : null
    case "aws-sm": {
      const hash = rest.indexOf("#")
      const id = hash === -1 ? rest : rest.slice(0, hash)
      const key = hash === -1 ? null : rest.slice(hash + 1)
      return SECRET_ID.test(id) && !KEY_ITSELF.test(id) && key !== "" ? { kind: "aws-sm", id, key } : null
    }
    default:
      return null
  }
}
