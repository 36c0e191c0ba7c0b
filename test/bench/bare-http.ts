import { createServer, type Socket } from "node:net"

/** What is asked: the operation that `X-Amz-Target` names, and its input. */
export type Answer = (operation: string, body: string) => string | Promise<string>

const END_OF_HEAD = "\r\n\r\n"

/**
 * AWS JSON 1.0 over as little HTTP as the SDK needs: POST with a Content-Length, answered with
 * 200, on connections that stay open. node:http would cost as much as the client that is measured.
 *
 * @param answer - Gives ASCII.
 * @returns Where it listens.
 */
export async function serveBareHttp(answer: Answer): Promise<string> {
  const server = createServer({ noDelay: true }, (socket) => {
    let waiting: Buffer = Buffer.alloc(0)
    socket.on("error", () => {})
    socket.on("data", (chunk: Buffer) => {
      waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk])
      for (;;) {
        const headLength = waiting.indexOf(END_OF_HEAD)
        if (headLength < 0) return
        const head = waiting.toString("latin1", 0, headLength)
        const start = headLength + END_OF_HEAD.length
        const end = start + Number(header(head, "content-length"))
        if (waiting.length < end) return
        const operation = header(head, "x-amz-target").replace("AmazonSQS.", "")
        void reply(socket, answer(operation, waiting.toString("utf8", start, end)))
        waiting = waiting.subarray(end)
      }
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  const address = server.address()
  if (address === null || typeof address === "string") throw new Error("not listening on a port")
  return `http://127.0.0.1:${address.port}`
}

function header(head: string, name: string): string {
  const value = new RegExp(`\r\n${name}: *([^\r]*)`, "i").exec(head)?.[1]
  if (value === undefined) throw new Error(`a request without ${name}`)
  return value
}

async function reply(socket: Socket, answer: string | Promise<string>): Promise<void> {
  const text = typeof answer === "string" ? answer : await answer
  if (socket.destroyed) return
  socket.write(
    `HTTP/1.1 200 OK\r\nContent-Type: application/x-amz-json-1.0\r\nContent-Length: ${text.length}\r\n\r\n${text}`,
    "latin1",
  )
}
