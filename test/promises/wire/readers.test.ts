import { expect, test } from "vitest"
import { postgresReader } from "./postgres-reader.ts"
import { sqsReader } from "./sqs-reader.ts"
import { deletedTooEarly, extendedTooLate, type Logged } from "./wire-log.ts"

const ID = "0189cf4e-0000-4000-8000-000000000001"

function frame(type: string, body: string): Buffer {
  const bytes = Buffer.from(`${type}....${body}`, "latin1")
  bytes.writeInt32BE(bytes.length - type.length, type.length)
  return bytes
}

/** A Bind message with a uuid[] in binary. */
const BIND = frame(
  "B",
  Buffer.concat([
    Buffer.from("\0\0\0\x01\0\x01\0\x01....", "latin1"),
    Buffer.from(`000000010000000000000b860000000100000001${"00000010"}${ID.replaceAll("-", "")}`, "hex"),
    Buffer.from("\0\0", "latin1"),
  ]).toString("latin1"),
)

/** The same bytes as one chunk, and as one chunk each. */
const CUTS = {
  "in one chunk": (bytes: Buffer) => [bytes],
  "byte by byte": (bytes: Buffer) => [...bytes].map((byte) => Buffer.of(byte)),
}

test.each(Object.entries(CUTS))(
  "PostgreSQL's protocol is read %s: what a transaction wrote, and its end",
  (_, cut) => {
    const reader = postgresReader()
    const client = (...frames: Buffer[]) => cut(Buffer.concat(frames)).flatMap(reader.fromClient)
    const server = (...frames: Buffer[]) => cut(Buffer.concat(frames)).flatMap(reader.fromServer)
    expect(client(frame("", "\0\x03\0\0user\0me\0\0"), frame("Q", "begin\0"))).toEqual([])
    expect(server(frame("R", "\0\0\0\0"), frame("Z", "I"), frame("C", "BEGIN\0"))).toEqual([])
    expect(client(frame("P", "\0insert\0\0\0"), BIND, frame("S", ""))).toEqual([{ kind: "write", ids: [ID] }])
    expect(server(frame("C", "SELECT 1\0"), frame("Z", "T"))).toEqual([])
    expect(client(frame("Q", "commit\0"))).toEqual([{ kind: "commit" }])
    expect(server(frame("C", "COMMIT\0"))).toEqual([{ kind: "committed", ids: [ID] }])
    expect(client(BIND, frame("Q", "commit\0"))).toHaveLength(2)
    expect(server(frame("E", "SERROR\0C23514\0Mno\0\0"), frame("C", "ROLLBACK\0"))).toEqual([
      { kind: "error", sqlState: "23514" },
      { kind: "rolled-back" },
    ])
    expect(server(frame("C", "COMMIT\0")), "what was rolled back is not committed later").toEqual([
      { kind: "committed", ids: [] },
    ])
  },
)

test.each(Object.entries(CUTS))("requests to SQS are read %s", (_, cut) => {
  const body = JSON.stringify({ Entries: [{ ReceiptHandle: `${ID}#4` }, { ReceiptHandle: "ü#5" }] })
  const request = Buffer.from(
    `POST / HTTP/1.1\r\nX-Amz-Target: AmazonSQS.DeleteMessageBatch\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  )
  const said = cut(Buffer.concat([request, request])).flatMap(sqsReader().fromClient)
  expect(said).toHaveLength(2)
  expect(said[1]).toMatchObject({
    kind: "request",
    operation: "DeleteMessageBatch",
    ids: [ID, expect.anything()],
  })
})

test("a delete before the answer to its COMMIT is seen, and a heartbeat after the delete", () => {
  const call = (run: number, operation: string): Logged => ({
    run,
    saying: { kind: "request", operation, ids: [ID] },
  })
  const committed: Logged = { run: 1, saying: { kind: "committed", ids: [ID] } }
  const [remove, extend] = ["DeleteMessageBatch", "ChangeMessageVisibilityBatch"]
  expect(deletedTooEarly([committed, call(1, remove)])).toEqual([])
  expect(deletedTooEarly([call(1, remove), committed])).toEqual([ID])
  expect(deletedTooEarly([committed, call(2, remove)]), "another process has to ask for itself").toEqual([ID])
  expect(extendedTooLate([call(1, extend), call(1, remove)])).toEqual([])
  expect(extendedTooLate([call(1, remove), call(1, extend)])).toEqual([ID])
})
