import type { Reader, Saying } from "./sayings.ts"

interface Body {
  readonly Entries?: readonly { readonly ReceiptHandle: string }[]
}

/** Reads requests to the SQS stub, whose receipts begin with the message's id: over HTTP/1.1, one at a time. */
export function sqsReader(): Reader {
  let rest = ""
  return {
    fromClient(bytes) {
      // Bytes as characters, so that lengths are those of the wire.
      rest += bytes.toString("latin1")
      const sayings: Saying[] = []
      for (;;) {
        const head = rest.indexOf("\r\n\r\n")
        if (head < 0) return sayings
        const length = Number(/^content-length: *(\d+)/im.exec(rest.slice(0, head))?.[1] ?? 0)
        const end = head + 4 + length
        if (rest.length < end) return sayings
        const operation = /^x-amz-target: *AmazonSQS\.(\w+)/im.exec(rest.slice(0, head))?.[1] ?? ""
        const { Entries = [] } = JSON.parse(rest.slice(head + 4, end)) as Body
        const ids = Entries.map(({ ReceiptHandle }) => ReceiptHandle.split("#")[0] ?? "")
        sayings.push({ kind: "request", operation, ids })
        rest = rest.slice(end)
      }
    },
    fromServer: () => [],
  }
}
