declare const token: unique symbol

/**
 * The masked value of a field: a key id, a colon, 64 lowercase hex digits.
 * Only {@link isToken} and the masker make one, so a column typed `Token`
 * cannot take a plain string.
 */
export type Token = string & { readonly [token]: true }

/** Characters of the longest token: a key id of 16, the colon, 64 digits. */
export const MAX_TOKEN_LENGTH = 81

const TOKEN = /^[a-z][a-z0-9-]{0,15}:[0-9a-f]{64}$/

export function isToken(text: unknown): text is Token {
  return typeof text === "string" && TOKEN.test(text)
}
