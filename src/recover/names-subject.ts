/**
 * Whether a rejected body names a person, as well as can be told of something
 * that is no event: the name stands in it as a whole text or number, at any
 * depth, in JSON within JSON too; in what is no JSON, as a word of its own.
 *
 * A name that is part of a longer text of a JSON value does not count: `7` is
 * not meant by `"2.3.7"`.
 */
export function namesSubject(body: string, subject: string): boolean {
  const json = parse(body)
  if (json === undefined) return isWordOf(body, subject)
  const waiting: unknown[] = [json]
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (value === subject) return true
    if (typeof value === "number" && String(value) === subject) return true
    if (typeof value === "string") {
      const inner = parse(value)
      if (typeof inner === "object" && inner !== null) waiting.push(inner)
    } else if (typeof value === "object" && value !== null) {
      if (Object.hasOwn(value, subject)) return true
      for (const item of Object.values(value)) if (item !== null) waiting.push(item)
    }
  }
  return false
}

/** Letters and digits next to it would make it another word. */
function isWordOf(text: string, subject: string): boolean {
  const escaped = JSON.stringify(subject).slice(1, -1)
  const ascii = escaped.replace(
    /[^\x20-\x7e]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  )
  // Broken JSON is searched as it stands, however its writer spelt the name.
  const upper = ascii.replace(/\\u[0-9a-f]{4}/g, (unit) => `\\u${unit.slice(2).toUpperCase()}`)
  return [subject, escaped, ascii, upper].some((word) => {
    for (let at = text.indexOf(word); at >= 0; at = text.indexOf(word, at + 1)) {
      const around = `${text.slice(0, at).at(-1) ?? " "}${text[at + word.length] ?? " "}`
      if (!/[\p{L}\p{N}]/u.test(around)) return true
    }
    return false
  })
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}
