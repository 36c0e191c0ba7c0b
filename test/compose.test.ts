import { existsSync, readFileSync } from "node:fs"
import { join, resolve } from "node:path"
import { describe, expect, test } from "vitest"
import { parse } from "yaml"
import { eventShape } from "../src/config/event-section.ts"
import { loadConfig } from "../src/config/load.ts"
import { queueAddress } from "../src/config/queue-url.ts"
import { createDecoder } from "../src/decode/decode.ts"

// There is no Docker where the tests run. They hold together what has to agree, so that `docker compose up`
// cannot be broken by a change on one side.

const ROOT = resolve(import.meta.dirname, "..")
const CONFIG = join(ROOT, "config/compose/peppermill.config.yaml")
const text = (path: string) => readFileSync(join(ROOT, path), "utf8")

interface Service {
  readonly image: string
  readonly environment: Readonly<Record<string, string | number>>
  readonly ports: readonly string[]
  readonly volumes?: readonly string[]
  readonly healthcheck: { readonly test: readonly string[] }
}

const { services } = parse(text("docker-compose.yml"), { merge: true }) as {
  services: Record<"postgres" | "aws", Service>
}
const prepare = text("config/compose/ready.d/prepare.py")
const config = () => loadConfig({ cwd: ROOT, env: {}, file: CONFIG })

/** The port of this machine that leads to a service's. */
function published(service: Service, port: number): number {
  const found = service.ports.map((each) => each.split(":")).find(([, , inside]) => inside === String(port))
  return Number(found?.[1])
}

describe("docker-compose.yml", () => {
  test.each(Object.entries(services))(
    "%s: pinned, on loopback only, and known to be healthy",
    (_, service) => {
      expect(service.image).toMatch(/^[a-z/]+:\d+\.\d+(\.\d+)?$/)
      expect(service.ports).not.toEqual([])
      for (const port of service.ports) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/)
      expect(service.healthcheck.test[0]).toMatch(/^CMD(-SHELL)?$/)
    },
  )

  test("mounts what exists, and nothing that a container could write to", () => {
    const mounts = Object.values(services).flatMap(({ volumes = [] }) => volumes)
    expect(mounts).toHaveLength(2)
    for (const mount of mounts) {
      const [source = "", , mode] = mount.split(":")
      expect(existsSync(join(ROOT, source)), source).toBe(true)
      expect(mode, mount).toBe("ro")
    }
  })

  test("tells the secret's maker the database that it starts, and the port that leads to it", () => {
    const { postgres, aws } = services
    expect(aws.environment).toMatchObject(postgres.environment)
    expect(aws.environment["DATABASE_PORT"]).toBe(published(postgres, 5432))
    for (const name of [...Object.keys(postgres.environment), "DATABASE_PORT"]) {
      expect(prepare).toContain(`os.environ["${name}"]`)
    }
  })
})

describe("config/compose/peppermill.config.yaml", () => {
  test("is a good configuration, and leads to the containers", async () => {
    const { config: read, warnings } = await config()
    expect(warnings).toEqual([])
    const port = published(services.aws, 4566)
    const queue = queueAddress(read.queue, {})
    expect(queue.endpoint).toBe(`http://127.0.0.1:${port}`)
    expect(read.secrets.endpoint).toBe(`http://127.0.0.1:${port}`)
    expect(prepare).toContain(`QueueName="${queue.name}"`)
    expect(prepare).toContain(`region_name="${queue.region}"`)
  })

  test("refers to the secrets that the container makes", async () => {
    const { config: read } = await config()
    expect(read.database.url).toBe("aws-sm:peppermill/database")
    expect(read.masking.keys).toEqual({ k1: "aws-sm:peppermill/mask-key#key" })
    expect(prepare).toContain('Name="peppermill/database"')
    expect(prepare).toContain(
      'Name="peppermill/mask-key", SecretString=json.dumps({"key": secrets.token_hex(32)})',
    )
  })
})

describe("config/compose/messages.txt", () => {
  const bodies = text("config/compose/messages.txt").trimEnd().split("\n")

  test("has good events that repeat people and addresses, and one malformed of each common kind", async () => {
    const decode = createDecoder(eventShape((await config()).config))
    const decoded = bodies.map((body) => decode(body))
    const rejections = decoded.flatMap((each) => (each.ok ? [] : [each.rejection.reason]))
    expect(decoded.length - rejections.length).toBe(193)
    expect(rejections.toSorted()).toEqual([
      "missing",
      "missing",
      "not-a-version",
      "not-an-ip",
      "not-an-object",
      "not-json",
      "wrong-type",
    ])
    const good = bodies.filter((_, n) => decoded[n]?.ok).map((body) => JSON.parse(body))
    for (const field of ["user_id", "ip", "device_id"]) {
      expect(new Set(good.map((event) => event[field])).size).toBeLessThan(good.length / 2)
    }
  })

  test("is made up: nothing in it has the form of an American social security number", () => {
    expect(text("config/compose/messages.txt")).not.toMatch(/\b\d{3}-\d{2}-\d{4}\b/)
  })
})
