/**
 * One-dimensional arrays as PostgreSQL sends and receives them in binary: the
 * driver passes a Buffer on as it is. As text they would be escaped here,
 * parsed there, and bytes would take twice the room.
 *
 * Layout (src/backend/utils/adt/arrayfuncs.c, array_recv), all big-endian:
 * dimensions, has-null, element type; of the dimension length and lower bound;
 * then each element's length, -1 for null, and its bytes.
 */

/** How values of a type are written; null is written for all alike. */
interface Element<T> {
  /** The type's OID, from pg_type.dat. */
  readonly oid: number
  size(value: T): number
  write(value: T, into: Buffer, at: number): void
}

/** Days from the epoch of Unix to that of PostgreSQL, 2000-01-01. */
const EPOCH_DAYS = 10_957
const DAY_MS = 86_400_000

const HEADER = 20

/** The types of which there are enough in a batch to matter. */
const ELEMENTS = {
  text: {
    oid: 25,
    size: (value: string) => Buffer.byteLength(value),
    write: (value: string, into: Buffer, at: number) => void into.write(value, at),
  },
  bytea: {
    oid: 17,
    size: (value: Uint8Array) => value.length,
    write: (value: Uint8Array, into: Buffer, at: number) => into.set(value, at),
  },
  /** As its usual text. */
  uuid: {
    oid: 2950,
    size: () => 16,
    write: (value: string, into: Buffer, at: number) => void into.write(value.replaceAll("-", ""), at, "hex"),
  },
  /** As ISO 8601 has it. */
  date: {
    oid: 1082,
    size: () => 4,
    write: (value: string, into: Buffer, at: number) =>
      void into.writeInt32BE(Date.parse(value) / DAY_MS - EPOCH_DAYS, at),
  },
}

/**
 * An array as a parameter of type `type[]`: in binary where we know the type,
 * otherwise as it came, for the driver to write as text.
 */
export function arrayParameter(type: string, values: readonly unknown[]): Buffer | readonly unknown[] {
  const element = (ELEMENTS as Readonly<Record<string, Element<never>>>)[type]
  return element === undefined ? values : binaryArray(element as Element<unknown>, values)
}

function binaryArray<T>(element: Element<T>, values: readonly T[]): Buffer {
  const sizes = values.map((value) => (value === null ? -1 : element.size(value)))
  const bytes = Buffer.allocUnsafe(sizes.reduce((sum, size) => sum + 4 + Math.max(size, 0), HEADER))
  bytes.writeInt32BE(1, 0)
  bytes.writeInt32BE(sizes.includes(-1) ? 1 : 0, 4)
  bytes.writeInt32BE(element.oid, 8)
  bytes.writeInt32BE(values.length, 12)
  bytes.writeInt32BE(1, 16)
  let at = HEADER
  values.forEach((value, index) => {
    const size = sizes[index] as number
    at = bytes.writeInt32BE(size, at)
    if (value === null) return
    element.write(value, bytes, at)
    at += size
  })
  return bytes
}
