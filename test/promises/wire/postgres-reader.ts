import type { Reader, Saying } from "./sayings.ts"

/** How a uuid[] begins in binary: one dimension, no nulls, the type's number. Its length follows, and its lower bound. */
const UUID_ARRAY = Buffer.from("000000010000000000000b86", "hex")

/**
 * Reads just enough of PostgreSQL's protocol, without TLS, to tell which message
 * ids a transaction wrote, and what its end was answered with.
 * https://www.postgresql.org/docs/current/protocol-message-formats.html
 */
export function postgresReader(): Reader {
  let written: string[] = []
  const client = createFrames({ startsWithLength: true })
  const server = createFrames({ startsWithLength: false })

  function said(type: string, body: Buffer): Saying | null {
    if (type === "B") {
      const ids = [...new Set(uuidsIn(body))]
      written.push(...ids)
      return ids.length === 0 ? null : { kind: "write", ids }
    }
    return type === "Q" && /^commit/i.test(body.toString("latin1")) ? { kind: "commit" } : null
  }

  function answered(type: string, body: Buffer): Saying | null {
    if (type === "E")
      return { kind: "error", sqlState: /\0C([0-9A-Z]{5})\0/.exec(`\0${body.toString()}`)?.[1] ?? "" }
    if (type !== "C") return null
    const tag = body.toString("latin1", 0, body.length - 1)
    if (tag !== "COMMIT" && tag !== "ROLLBACK" && tag !== "BEGIN") return null
    const ids = written
    written = []
    if (tag === "COMMIT") return { kind: "committed", ids }
    return tag === "ROLLBACK" ? { kind: "rolled-back" } : null
  }

  return {
    fromClient: (bytes) => client(bytes).flatMap(({ type, body }) => said(type, body) ?? []),
    fromServer: (bytes) => server(bytes).flatMap(({ type, body }) => answered(type, body) ?? []),
  }
}

function uuidsIn(body: Buffer): string[] {
  const ids: string[] = []
  for (let at = body.indexOf(UUID_ARRAY); at >= 0; at = body.indexOf(UUID_ARRAY, at + 1)) {
    const count = body.readInt32BE(at + UUID_ARRAY.length)
    let next = at + UUID_ARRAY.length + 8
    for (let element = 0; element < count; element++) {
      const hex = body.toString("hex", next + 4, next + 20)
      ids.push(hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-"))
      next += 20
    }
  }
  return ids
}

interface Frame {
  readonly type: string
  readonly body: Buffer
}

/** Cuts a stream into messages: a letter, a length that counts itself, a body. The client's first has no letter. */
function createFrames({ startsWithLength }: { readonly startsWithLength: boolean }) {
  let rest: Buffer = Buffer.alloc(0)
  let isFirst = startsWithLength
  return (bytes: Buffer): Frame[] => {
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes])
    const frames: Frame[] = []
    for (;;) {
      const at = isFirst ? 0 : 1
      if (rest.length < at + 4) return frames
      const end = at + rest.readInt32BE(at)
      if (rest.length < end) return frames
      frames.push({ type: isFirst ? "" : rest.toString("latin1", 0, 1), body: rest.subarray(at + 4, end) })
      rest = rest.subarray(end)
      isFirst = false
    }
  }
}
