import type { ChildProcess } from "node:child_process"
import { once } from "node:events"
import { Agent, get as httpGet } from "node:http"
import { createServer } from "node:net"
import { setTimeout as sleep } from "node:timers/promises"
import { describe, expect, onTestFinished, test } from "vitest"
import type { Summary } from "../../src/summary.ts"
import { drainEnv, MASK_KEY, peppermill } from "../binary.ts"
import { createDatabase } from "../database.ts"
import { login } from "../shape.ts"
import { startSqsStub } from "../sqs-stub.ts"
import { NO_TERMINAL, openTerminal } from "../tui/real-terminal.ts"
import { createIdentity } from "../vault/keys.ts"
import { readEmf } from "./emf-rules.ts"
import { readExposition } from "./exposition.ts"
import { createTopic } from "./topic.ts"

/** What must appear nowhere: an address, a device id, a locale and a subject. */
const CANARY = /198\.51\.100|canary-/
const canaries = (count: number) =>
  Array.from({ length: count }, (_, n) =>
    login({
      user_id: `canary-user-${n}`,
      ip: `198.51.100.${n % 256}`,
      device_id: `canary-device-${n}`,
      locale: "canary-xx",
    }),
  )

type Line = Record<string, unknown>

/** What a run logged: its JSON lines without those of metrics, and whatever else stood there. */
function logOf(stderr: string) {
  const lines = stderr.split("\n").filter((line) => line !== "")
  const json = lines.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Line)
  return {
    lines: json.filter((line) => line["_aws"] === undefined),
    metrics: lines.filter((line) => line.startsWith('{"_aws"')).map(readEmf),
    words: lines.filter((line) => !line.startsWith("{")),
  }
}

/** The first URL that a process says it serves. */
async function served(child: ChildProcess): Promise<string> {
  let text = ""
  for await (const chunk of child.stderr as AsyncIterable<string>) {
    text += chunk
    const url = /"url":"([^"]+)"/.exec(text)?.[1]
    if (url !== undefined) return url
  }
  throw new Error(`it serves nothing: ${text}`)
}

async function until<T>(work: () => Promise<T | undefined>): Promise<T> {
  for (let n = 0; n < 300; n++) {
    const found = await work()
    if (found !== undefined) return found
    await sleep(100)
  }
  throw new Error("it never came")
}

describe("the executable, with --listen", () => {
  test("is scraped while it follows, tells whether it is ready, and leaves at once when asked to", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false })
    stub.send([...canaries(40), "{"])
    const env = { ...drainEnv(stub, database.url), PEPPERMILL_OBSERVE_LOG_LEVEL: "debug" }
    let scrape = ""
    let leftMs = 0
    const agent = new Agent({ keepAlive: true })
    const ended = await peppermill(["--batch", "--follow", "--json", "--listen", "127.0.0.1:0"], {
      env,
      async onStart(child) {
        const url = await served(child)
        await until(async () => ((await fetch(`${url}/readyz`)).status === 200 ? true : undefined))
        expect((await fetch(`${url}/livez`)).status).toBe(200)
        scrape = await until(async () => {
          const text = await (await fetch(`${url}/metrics`)).text()
          return /deleted_total\{[^}]*\} 40\n/.test(text) ? text : undefined
        })
        // A scraper that keeps its connection must not keep us.
        const kept = httpGet(`${url}/metrics`, { agent }, (response) => response.resume()).on(
          "error",
          () => {},
        )
        await once(kept, "response")
        leftMs = performance.now()
        child.kill("SIGTERM")
        child.on("exit", () => {
          leftMs = performance.now() - leftMs
        })
      },
    })
    agent.destroy()
    expect(ended.status, ended.stderr).toBe(143)
    // A poll under way takes a second here.
    expect(leftMs).toBeLessThan(10_000)
    const families = readExposition(scrape)
    const value = (name: string) => families.get(name)?.samples.map(({ value }) => value)
    expect(value("peppermill_received_total")).toEqual([41])
    expect(value("peppermill_stored_total")).toEqual([40])
    const rejected = families.get("peppermill_rejected_total")?.samples.filter(({ value }) => value > 0)
    expect(rejected?.map(({ labels, value }) => [labels, value])).toEqual([
      [{ reason: "not-json", queue: "logins" }, 1],
    ])
    expect(value("process_resident_memory_bytes")?.[0]).toBeGreaterThan(1e7)
    const summary = JSON.parse(ended.stdout) as Summary
    expect(summary).toMatchObject({ received: 41, stored: 40, left: 1 })
    for (const text of [scrape, ended.stdout, ended.stderr]) {
      expect(text).not.toMatch(CANARY)
      expect(text).not.toContain(MASK_KEY)
      expect(text).not.toMatch(/k1:[0-9a-f]{8}/)
    }
    await stub.close()
  })

  test("on a port that is taken says so and does nothing else", async () => {
    const other = createServer().listen(0, "127.0.0.1")
    await once(other, "listening")
    onTestFinished(() => void other.close())
    const { port } = other.address() as { port: number }
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false })
    stub.send(canaries(3))
    const { status, stdout, stderr } = await peppermill(["--batch", "--listen", `${port}`], {
      env: drainEnv(stub, database.url),
    })
    expect([status, stdout]).toEqual([69, ""])
    expect(stderr).toBe(
      `peppermill: observe.listen: 127.0.0.1:${port} is taken by another program\n` +
        "peppermill: hint: stop it, or choose another port with --listen\n",
    )
    expect(stub.queue.counts()).toEqual({ visible: 3, inFlight: 0 })
    await stub.close()
  })

  test.skipIf(NO_TERMINAL !== null)(
    "is scraped while the terminal UI runs, which nothing disturbs",
    async () => {
      await using database = await createDatabase()
      const stub = await startSqsStub({ log: false })
      stub.send(canaries(40))
      const probe = createServer().listen(0, "127.0.0.1")
      await once(probe, "listening")
      const { port } = probe.address() as { port: number }
      probe.close()
      await using terminal = await openTerminal(["--listen", `${port}`], {
        env: {
          ...drainEnv(stub, database.url),
          PEPPERMILL_OBSERVE_EMF: "true",
          PEPPERMILL_OBSERVE_EMF_SECONDS: "1",
        },
      })
      await terminal.sees(/= stored +40\b/)
      const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
      expect(readExposition(text).get("peppermill_stored_total")?.samples[0]?.value).toBe(40)
      expect((await fetch(`http://127.0.0.1:${port}/readyz`)).status).toBe(200)
      terminal.type("p")
      await terminal.sees(/paused/)
      expect(await (await fetch(`http://127.0.0.1:${port}/readyz`)).text()).toBe("paused\n")
      expect(await terminal.text()).not.toMatch(/_aws|"level"/)
      terminal.type("q")
      expect(await terminal.ended).toBe(0)
      await stub.close()
    },
  )
})

describe("the executable's log", () => {
  test("is JSON a line where no terminal is, metrics included, and leaves standard output to the summary", async () => {
    await using database = await createDatabase()
    const { recipient } = await createIdentity()
    const stub = await startSqsStub({ log: false })
    stub.send([...canaries(950), ...Array<string>(50).fill('{"user_id": "canary-user"}')])
    const { status, stdout, stderr } = await peppermill(["--batch", "--json"], {
      env: {
        ...drainEnv(stub, database.url),
        PEPPERMILL_VAULT_RECIPIENTS: recipient,
        PEPPERMILL_OBSERVE_EMF: "true",
        PEPPERMILL_OBSERVE_SERVICE: "logins-eu",
      },
    })
    expect(status, stderr).toBe(65)
    const summary = JSON.parse(stdout) as Summary
    const { lines, metrics, words } = logOf(stderr)
    expect(words).toEqual([])
    for (const line of lines) {
      expect(line).toMatchObject({ service: "logins-eu", queue: "logins", run: lines[0]?.["run"] })
    }
    expect(lines.filter(({ event }) => event === "rejected")).toHaveLength(50)
    expect(lines.at(-1)).toMatchObject({ event: "ended", outcome: "empty", exitStatus: 65, received: 1000 })

    const sum = (name: string) => metrics.reduce((total, line) => total + Number(line[name]), 0)
    expect(sum("peppermill_received_total")).toBe(summary.received)
    expect(sum("peppermill_stored_total")).toBe(summary.stored)
    expect(sum("peppermill_quarantined_total")).toBe(summary.quarantined)
    expect(sum("peppermill_rejected_total")).toBe(50)
    expect(sum("peppermill_deleted_total")).toBe(1000)
    expect(sum("peppermill_vault_writes_total")).toBe(1900)
    expect(metrics.at(-1)).toMatchObject({ Queue: "logins", Service: "logins-eu", peppermill_in_flight: 0 })
    expect(stderr).not.toMatch(CANARY)
    await stub.close()
  })

  test("is sentences where that is asked for", async () => {
    await using database = await createDatabase()
    const stub = await startSqsStub({ log: false })
    stub.send(canaries(3))
    const { status, stderr } = await peppermill(["--batch"], {
      env: { ...drainEnv(stub, database.url), PEPPERMILL_OBSERVE_LOG_FORMAT: "text" },
    })
    expect([status, stderr]).toEqual([
      0,
      "peppermill: warning: the queue has no dead-letter queue: messages that cannot be stored come back for ever\n" +
        "peppermill: draining logins into user_logins\n",
    ])
    await stub.close()
  })

  test("of a database's error has SQLSTATE, column and constraint, and never its detail", async () => {
    await using database = await createDatabase()
    await database.query(`
      create function refuse() returns trigger language plpgsql as $$
        begin
          raise exception 'canary-message %', new.user_id using errcode = 'XX000', detail = 'canary-detail',
            hint = 'canary-hint', schema = 'public', table = 'user_logins', column = 'locale', constraint = 'c_1';
        end $$;
      create trigger refuse before insert on user_logins for each row execute function refuse()`)
    const stub = await startSqsStub({ log: false })
    stub.send(canaries(3))
    const { status, stderr } = await peppermill(["--batch"], { env: drainEnv(stub, database.url) })
    expect(status, stderr).not.toBe(0)
    const { lines, words } = logOf(stderr)
    expect(lines.find(({ event }) => event === "failed")).toMatchObject({
      level: "error",
      sqlState: "XX000",
      table: "public.user_logins",
      column: "locale",
      constraint: "c_1",
      exitStatus: status,
    })
    expect(words[0]).toMatch(/^peppermill: .*SQLSTATE XX000/)
    expect(stderr).not.toMatch(CANARY)
    await stub.close()
  })
})

describe("the executable's alerts", () => {
  const envOf = (topic: Awaited<ReturnType<typeof createTopic>>, databaseUrl: string) => ({
    ...drainEnv(topic, databaseUrl),
    PEPPERMILL_ALERTS_TOPIC_ARN: topic.arn,
    PEPPERMILL_ALERTS_ENDPOINT: topic.endpoint,
  })

  test("reach the topic: too many rejects, old messages, dead letters", async () => {
    await using database = await createDatabase()
    const topic = await createTopic()
    onTestFinished(topic.close)
    topic.send([...canaries(20), ...Array<string>(5).fill("{")])
    topic.send(["{}"], "logins-dead")
    await sleep(2_100)
    const { status, stderr } = await peppermill(["--batch"], {
      env: { ...envOf(topic, database.url), PEPPERMILL_ALERTS_OLDEST_MESSAGE_SECONDS: "1" },
    })
    expect(status, stderr).toBe(65)
    const heard = topic.heard()
    expect(heard.map(({ subject }) => subject).sort()).toEqual([
      "peppermill: dead-letters alarm (logins)",
      "peppermill: oldest-message alarm (logins)",
      "peppermill: reject-rate alarm (logins)",
    ])
    const told = heard.map(({ message }) => message["words"])
    expect(told).toContain("5 of 25 messages were rejected: more than 10 percent")
    expect(told).toContain("the dead-letter queue holds 1 messages")
    expect(JSON.stringify(heard) + stderr).not.toMatch(CANARY)
  })

  test("tell that a run failed", async () => {
    const topic = await createTopic()
    onTestFinished(topic.close)
    const env = envOf(topic, "postgres://canary-user:canary-password@127.0.0.1:1/canary-db")
    const { status, stderr } = await peppermill(["--batch"], {
      env: { ...env, PEPPERMILL_DATABASE_RETRY_SECONDS: "0", PEPPERMILL_DATABASE_CONNECT_SECONDS: "1" },
    })
    expect(status, stderr).toBe(69)
    expect(topic.heard()).toMatchObject([
      {
        subject: "peppermill: run-failed alarm (logins)",
        message: { words: expect.stringMatching(/^the run failed: PostgreSQL does not answer/) },
      },
    ])
    expect(JSON.stringify(topic.heard()) + stderr).not.toMatch(CANARY)
    expect(stderr).toMatch(/^peppermill: hint: /m)
  })

  test("that cannot be sent stop nothing: the log has them", async () => {
    await using database = await createDatabase()
    const topic = await createTopic()
    onTestFinished(topic.close)
    topic.send([...canaries(20), ...Array<string>(5).fill("{")])
    const env = { ...envOf(topic, database.url), PEPPERMILL_ALERTS_ENDPOINT: "http://127.0.0.1:1" }
    const { status, stdout, stderr } = await peppermill(["--batch", "--json"], { env })
    expect(status, stderr).toBe(65)
    expect(JSON.parse(stdout)).toMatchObject({ stored: 20, left: 5 })
    const { lines } = logOf(stderr)
    expect(lines.find(({ event }) => event === "alert")).toMatchObject({
      level: "warn",
      kind: "reject-rate",
      count: 5,
    })
    expect(lines.find(({ event }) => event === "not-told")).toMatchObject({
      level: "warn",
      kind: "reject-rate",
    })
  })

  test("are what doctor looks at, without publishing", async () => {
    await using database = await createDatabase()
    for (const [subscribed, says] of [
      [
        true,
        /^ok +dead letters +none\n[\s\S]*^ok +alerts +topic alerts has 1 subscription; nothing was published/m,
      ],
      [
        false,
        /^warn +dead letters +about 1 wait [\s\S]*^warn +alerts +nobody has subscribed to topic alerts/m,
      ],
    ] as const) {
      const topic = await createTopic({ subscribed })
      if (!subscribed) topic.send(["{}"], "logins-dead")
      const { status, stdout } = await peppermill(["doctor"], { env: envOf(topic, database.url) })
      expect([status, stdout]).toEqual([0, expect.stringMatching(says)])
      expect(topic.heard()).toEqual([])
      await topic.close()
    }
  })
})
