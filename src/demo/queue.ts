/** An SQS of our own in this process, spoken to over HTTP like the real one. */
export interface DemoQueue {
  readonly url: string
  readonly endpoint: string
  readonly region: string
  send(bodies: readonly string[]): void
  close(): Promise<void>
}

export async function startDemoQueue(): Promise<DemoQueue> {
  const { startFauxqs } = await import("fauxqs")
  const server = await startFauxqs({ port: 0, host: "127.0.0.1", logger: false })
  const endpoint = `http://127.0.0.1:${server.port}`
  const name = "logins"
  server.createQueue(name)
  return {
    url: `${endpoint}/000000000000/${name}`,
    endpoint,
    region: "us-east-1",
    send(bodies) {
      for (const body of bodies) server.sendMessage(name, body)
    },
    close: () => server.stop(),
  }
}
