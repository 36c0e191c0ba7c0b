import { once } from "node:events"
import { type IncomingMessage, request } from "node:http"
import { connect, createServer, type Socket } from "node:net"
import { describe, expect, onTestFinished, test } from "vitest"
import type { DrainEvent } from "../../src/drain-event.ts"
import { UserError } from "../../src/errors.ts"
import { createFold } from "../../src/observe/figures.ts"
import { createHealth } from "../../src/observe/health.ts"
import { METRICS } from "../../src/observe/metrics.ts"
import { createScrape } from "../../src/observe/prometheus.ts"
import { serveMetrics } from "../../src/observe/server.ts"
import { safe } from "../../src/safe.ts"
import { HOSTILE } from "../hostile.ts"
import { readExposition } from "./exposition.ts"

async function setUp(queue = "logins") {
  const fold = createFold(() => 0)
  const health = createHealth(() => 0, 100)
  const scrape = await createScrape(fold, { queue })
  const server = await serveMetrics({ host: "127.0.0.1", port: 0 }, { scrape, health })
  onTestFinished(server.close)
  return { fold, health, scrape, server, get: (path: string) => fetch(server.url + path) }
}

const stored: DrainEvent = {
  type: "stored",
  stored: 4,
  duplicates: 1,
  quarantined: 0,
  originals: 8,
  durationMs: 30,
}

describe("/metrics", () => {
  test("is every metric in Prometheus' text format, with its type, help and queue", async () => {
    const { fold, get } = await setUp()
    fold.see({ type: "received", count: 9, durationMs: 1, oldestSentAtMs: null })
    fold.see({ type: "rejected", messageId: "m", rejection: { reason: "missing", field: "ip" } })
    fold.see(stored)
    const response = await get("/metrics")
    expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8")
    const families = readExposition(await response.text())
    for (const metric of Object.values(METRICS)) {
      const family = families.get(metric.name)
      if ("by" in metric) expect(family).toBeUndefined()
      else expect(family).toMatchObject({ type: metric.kind, help: metric.help })
      for (const { labels } of family?.samples ?? []) expect(labels).toMatchObject({ queue: "logins" })
    }
    const valuesOf = (name: string) => families.get(name)?.samples.map(({ labels, value }) => [labels, value])
    expect(valuesOf("peppermill_stored_total")).toEqual([[{ queue: "logins" }, 4]])
    expect(valuesOf("peppermill_rejected_total")).toContainEqual([{ queue: "logins", reason: "missing" }, 1])
    expect(valuesOf("peppermill_rejected_total")).toContainEqual([{ queue: "logins", reason: "not-json" }, 0])
    expect(valuesOf("peppermill_in_flight")).toEqual([[{ queue: "logins" }, 4]])
    const rows = families.get("peppermill_batch_rows")?.samples
    expect(rows?.find(({ labels }) => labels["le"] === "5")?.value).toBe(1)
    expect(rows?.find(({ labels }) => labels["le"] === "1")?.value).toBe(0)
    expect(families.get("process_resident_memory_bytes")?.samples).toHaveLength(1)
  })

  test("grows from scrape to scrape, whoever else scrapes", async () => {
    const { fold, get } = await setUp()
    const count = async () =>
      readExposition(await (await get("/metrics")).text()).get("peppermill_stored_total")?.samples[0]?.value
    fold.see(stored)
    expect([await count(), await count()]).toEqual([4, 4])
    fold.see(stored)
    expect(await Promise.all([count(), count(), count()])).toEqual([8, 8, 8])
  })

  test.each(Object.entries(HOSTILE))("keeps its form when a name is %s", async (_, payload) => {
    const { fold, scrape } = await setUp(payload)
    const rejection = { reason: payload, field: payload } as Extract<
      DrainEvent,
      { type: "rejected" }
    >["rejection"]
    fold.see({ type: "rejected", messageId: payload, rejection })
    const text = await scrape.text()
    const sample = readExposition(text).get("peppermill_rejected_total")?.samples.at(-1)
    expect(sample?.labels).toEqual({ queue: safe(payload), reason: safe(payload) })
    expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u)
  })
})

describe("/readyz and /livez", () => {
  test("say 200 or 503, and why", async () => {
    const { health, get } = await setUp()
    expect((await get("/livez")).status).toBe(200)
    const starting = await get("/readyz")
    expect([starting.status, await starting.text()]).toEqual([503, "starting\n"])
    health.opened()
    const ready = await get("/readyz?verbose")
    expect([ready.status, await ready.text()]).toEqual([200, "ok\n"])
    health.see({ type: "stopping", cause: "signal" })
    expect((await get("/readyz")).status).toBe(503)
    expect((await get("/livez")).status).toBe(200)
  })
})

describe("the server", () => {
  test("has nothing else, and takes no other method", async () => {
    const { server, get } = await setUp()
    for (const path of ["/", "/metrics/", "/../etc/passwd", "/%2e%2e/", "/metricsx", "//metrics"]) {
      expect((await get(path)).status, path).toBe(404)
    }
    for (const method of ["POST", "PUT", "DELETE", "OPTIONS"]) {
      const response = await fetch(`${server.url}/metrics`, { method })
      expect([response.status, response.headers.get("allow")]).toEqual([405, "GET, HEAD"])
    }
    const head = await fetch(`${server.url}/metrics`, { method: "HEAD" })
    expect([head.status, await head.text()]).toEqual([200, ""])
  })

  test("answers 500 when the figures cannot be read, and goes on", async () => {
    const broken = { contentType: "text/plain", text: () => Promise.reject(new Error("198.51.100.7")) }
    const health = createHealth(() => 0, 100)
    const server = await serveMetrics({ host: "127.0.0.1", port: 0 }, { scrape: broken, health })
    onTestFinished(server.close)
    const response = await fetch(`${server.url}/metrics`)
    expect([response.status, await response.text()]).toEqual([500, "the metrics cannot be read\n"])
    expect((await fetch(`${server.url}/livez`)).status).toBe(200)
  })

  test("survives what is not HTTP", async () => {
    const { server, get } = await setUp()
    const port = Number(new URL(server.url).port)
    for (const garbage of [
      "\0\0\0\r\n\r\n",
      "GET /metrics HTTP/9\r\n\r\n",
      `GET /${"x".repeat(20_000)} HTTP/1.1\r\n\r\n`,
    ]) {
      const socket = connect(port, "127.0.0.1")
      socket.on("error", () => {}).resume()
      socket.end(garbage)
      await new Promise((resolve) => socket.once("close", resolve))
    }
    expect((await get("/livez")).status).toBe(200)
  })

  test("closes at once, however many hold a connection open", async () => {
    const { server } = await setUp()
    const port = Number(new URL(server.url).port)
    const sockets: Socket[] = []
    for (const text of ["", "GET /metr", "GET /metrics HTTP/1.1\r\nhost: x\r\n\r\n"]) {
      const socket = connect(port, "127.0.0.1").on("error", () => {})
      await once(socket, "connect")
      socket.resume().write(text)
      sockets.push(socket)
    }
    const closed = sockets.map((socket) => new Promise((resolve) => socket.once("close", resolve)))
    server.close()
    await Promise.all(closed)
    const refused = request(`${server.url}/livez`, () => {})
    const [error] = (await once(refused.end(), "error")) as [NodeJS.ErrnoException]
    expect(error.code).toBe("ECONNREFUSED")
  })

  test("listens on loopback where it was told to, and nowhere else", async () => {
    const { server } = await setUp()
    const { hostname, port } = new URL(server.url)
    expect(hostname).toBe("127.0.0.1")
    // Another address of this machine: all of 127.0.0.0/8 is.
    const elsewhere = request(`http://127.0.0.2:${port}/livez`)
    const answer = await new Promise<IncomingMessage | NodeJS.ErrnoException>((resolve) => {
      elsewhere.on("response", resolve).on("error", resolve).end()
    })
    expect(answer).toMatchObject({ code: "ECONNREFUSED" })
  })

  test("says in words that its port is taken, or its address not of this machine", async () => {
    const { scrape, health } = await setUp()
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    const failure = async (host: string, port: number) => {
      const error = await serveMetrics({ host, port }, { scrape, health }).catch((error: unknown) => error)
      if (!(error instanceof UserError)) throw new Error("it listens")
      return error
    }
    expect(await failure("127.0.0.1", port)).toMatchObject({
      kind: "unavailable",
      message: `observe.listen: 127.0.0.1:${port} is taken by another program`,
    })
    expect(await failure("192.0.2.1", 9464)).toMatchObject({
      kind: "config",
      message: "observe.listen: 192.0.2.1:9464 cannot be listened on (EADDRNOTAVAIL)",
    })
  })
})
