import { spawn } from "node:child_process"
import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { type AddressInfo, connect, createServer, type Socket } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"

/** A server of which nothing comes. */
export interface SilentServer extends AsyncDisposable {
  readonly port: number
  /** Resolves with the time at which somebody first waits for it. */
  waitedForMs(): Promise<number>
}

const LISTENER = `
  const server = require("node:net").createServer()
  server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
    process.stdout.write(String(server.address().port))
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0)
  })`

/** Not even a connection comes about: nobody accepts, and the queue of those who wait is full (Linux drops their SYN). */
export async function startUnconnectable(): Promise<SilentServer> {
  const child = spawn(process.execPath, ["-e", LISTENER], { stdio: ["ignore", "pipe", "inherit"] })
  const [text] = await once(child.stdout, "data")
  const port = Number(text)
  const fillers: Socket[] = []
  for (let isFull = false; !isFull; ) {
    const filler = connect({ port, host: "127.0.0.1" }).on("error", () => {})
    fillers.push(filler)
    isFull = await Promise.race([once(filler, "connect").then(() => false), sleep(300, true)])
  }
  fillers.pop()?.destroy()
  return {
    port,
    async waitedForMs() {
      const synSent = `:${port.toString(16).toUpperCase().padStart(4, "0")} 02`
      while (!(await readFile("/proc/net/tcp", "utf8")).includes(synSent)) await sleep(20)
      return Date.now()
    },
    async [Symbol.asyncDispose]() {
      for (const filler of fillers) filler.destroy()
      child.kill("SIGKILL")
      await once(child, "exit")
    },
  }
}

/** Accepts, answers the first bytes with `answer`, and then nothing. */
export async function startSpeechless(answer: string): Promise<SilentServer> {
  const sockets = new Set<Socket>()
  let heard: (ms: number) => void = () => {}
  const first = new Promise<number>((resolve) => {
    heard = resolve
  })
  const server = createServer((socket) => {
    sockets.add(socket.on("error", () => {}))
    socket.once("data", () => {
      heard(Date.now())
      socket.write(answer)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  return {
    port: (server.address() as AddressInfo).port,
    waitedForMs: () => first,
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
