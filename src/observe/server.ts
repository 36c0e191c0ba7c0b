import type { ListenAddress } from "../config/listen-address.ts"
import { UserError } from "../errors.ts"
import type { Health } from "./health.ts"
import type { Scrape } from "./prometheus.ts"

export interface MetricsServer {
  /** Where it listens, as a URL without a path. */
  readonly url: string
  /** At once: whoever is connected is cut off. */
  close(): void
}

interface Answer {
  readonly status: number
  readonly type?: string
  readonly body: string
}

/** A scrape takes milliseconds; who sends slower than this is not scraping. */
const REQUEST_MS = 5_000
const MAX_CONNECTIONS = 64

/**
 * Serve `/metrics`, `/livez` and `/readyz` over plain HTTP. Nothing else is there, and nothing is read of a
 * request but its method and path.
 *
 * @throws UserError of kind `unavailable` when the port is taken, `config` when the address is not ours to take.
 */
export async function serveMetrics(
  { host, port }: ListenAddress,
  { scrape, health }: { readonly scrape: Scrape; readonly health: Health },
): Promise<MetricsServer> {
  const { createServer } = await import("node:http")

  const server = createServer(
    { headersTimeout: REQUEST_MS, requestTimeout: REQUEST_MS, keepAliveTimeout: 60_000, maxHeaderSize: 8192 },
    async (request, response) => {
      const {
        status,
        type = "text/plain; charset=utf-8",
        body,
      }: Answer = await answer(request.method, request.url).catch(() => ({
        status: 500,
        body: "the metrics cannot be read\n",
      }))
      response.writeHead(status, {
        "content-type": type,
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        ...(status === 405 && { allow: "GET, HEAD" }),
      })
      response.end(request.method === "HEAD" ? undefined : body)
    },
  )
  server.maxConnections = MAX_CONNECTIONS

  async function answer(method = "", url = ""): Promise<Answer> {
    if (method !== "GET" && method !== "HEAD") return { status: 405, body: "only GET\n" }
    const [path] = url.split("?")
    if (path === "/metrics") return { status: 200, type: scrape.contentType, body: await scrape.text() }
    if (path === "/livez") return verdict(health.notAlive())
    if (path === "/readyz") return verdict(health.notReady())
    return { status: 404, body: "there are /metrics, /livez and /readyz\n" }
  }

  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => reject(listenError(host, port, error)))
    server.listen({ host, port, exclusive: true }, resolve)
  })
  // Such as too many open files at an accept: a scrape is missed, the drain goes on.
  server.on("error", () => {})
  const address = server.address()
  const bound = typeof address === "object" && address !== null ? address.port : port
  return {
    url: `http://${host.includes(":") ? `[${host}]` : host}:${bound}`,
    close() {
      server.close()
      server.closeAllConnections()
    },
  }
}

const verdict = (problem: string | null) =>
  problem === null ? { status: 200, body: "ok\n" } : { status: 503, body: `${problem}\n` }

function listenError(host: string, port: number, { code = "unknown" }: NodeJS.ErrnoException): UserError {
  const where = `observe.listen: ${host}:${port}`
  if (code === "EADDRINUSE") {
    return new UserError("unavailable", `${where} is taken by another program`, {
      hint: "stop it, or choose another port with --listen",
    })
  }
  return new UserError("config", `${where} cannot be listened on (${code})`, {
    hint: "choose an address of this machine, and a port above 1023",
  })
}
