/**
 * A list as bytes that no other list has: for each item its length, four bytes
 * big-endian, then the item; for null the length -1 and nothing. Text is UTF-8.
 *
 * PostgreSQL builds the same bytes with `int4send(octet_length(b)) || b`.
 *
 * @throws RangeError for text with a lone surrogate: UTF-8 would make it equal to other text.
 */
export function lengthPrefixed(items: readonly (string | Uint8Array | null)[]): Uint8Array {
  let size = 0
  for (const item of items) size += 4 + byteLength(item)
  const bytes = Buffer.allocUnsafe(size)
  let at = 0
  for (const item of items) {
    at = bytes.writeInt32BE(item === null ? -1 : byteLength(item), at)
    if (typeof item === "string") at += bytes.write(item, at)
    else if (item !== null) {
      bytes.set(item, at)
      at += item.length
    }
  }
  return bytes
}

function byteLength(item: string | Uint8Array | null): number {
  if (item === null) return 0
  if (typeof item !== "string") return item.length
  if (!item.isWellFormed()) throw new RangeError("text with a lone surrogate has no UTF-8")
  return Buffer.byteLength(item)
}
