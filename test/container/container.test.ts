import { readFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { resolve } from "node:path"
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from "vitest"
import { AWS_KEYS, MASK_KEY } from "../binary.ts"
import { createAuthority } from "../certificate.ts"
import { createDatabase } from "../database.ts"
import { login } from "../shape.ts"
import { startSqsStub } from "../sqs-stub.ts"
import { canEnter, createRoot, hasReadelf, newestAskedFor, type Root } from "./root.ts"

const ROOT = resolve(import.meta.dirname, "../..")
const dockerfile = readFileSync(resolve(ROOT, "Dockerfile"), "utf8")

describe("Dockerfile", () => {
  test("ends in a base with glibc and nothing else, as nobody, and stops gently", () => {
    const [, , last = ""] = dockerfile.split(/^FROM /m)
    expect(last).toMatch(/^gcr\.io\/distroless\/cc-debian12:nonroot\n/)
    for (const line of [
      "COPY --from=build /image/ /",
      "USER 65532:65532",
      "STOPSIGNAL SIGTERM",
      "EXPOSE 9464",
      'ENTRYPOINT ["/usr/local/bin/peppermill"]',
    ]) {
      expect(last.split("\n")).toContain(line)
    }
    expect(last).not.toMatch(/^(RUN|ADD|ENV) /m)
  })

  test("lays out the image with the script that these tests lay it out with, from all that it needs", () => {
    expect(dockerfile).toContain("npm run build && node scripts/image.mjs /image")
    const sent = readFileSync(resolve(ROOT, ".dockerignore"), "utf8").match(/^!.*/gm)
    expect(sent).toEqual(
      [".git", ".npmrc", "build.mjs", "config/default.yaml", "LICENSE", "package.json", "package-lock.json"]
        .concat(["scripts", "src"])
        .map((name) => `!${name}`),
    )
  })
})

// Versions of Debian 12: glibc 2.36, libstdc++ of GCC 12.
test.skipIf(!hasReadelf).each([
  ["GLIBC", "2.36"],
  ["GLIBCXX", "3.4.30"],
  ["CXXABI", "1.3.13"],
] as const)("asks for no newer %s than the base has: %s (skipped without readelf)", (library, has) => {
  const asked = newestAskedFor(library)
  expect(asked).toMatch(/^[0-9.]+$/)
  expect(asked.localeCompare(has, "en", { numeric: true })).toBeLessThanOrEqual(0)
})

describe.skipIf(!canEnter)(
  "the image's files, as a container (skipped where namespaces are not allowed)",
  () => {
    let root: Root
    beforeAll(() => {
      root = createRoot()
    })
    afterAll(() => root[Symbol.dispose]())

    test("are the executable and the one library that the base lacks", () => {
      expect(root.added).toEqual(["/usr/local/bin/peppermill", "/usr/lib/libatomic.so.1"])
    })

    test("run, as process 1 of nobody", async () => {
      const { status, stdout, stderr } = await root.run(["--version"]).ended
      expect([status, stderr]).toEqual([0, ""])
      expect(stdout).toMatch(/^peppermill \d/)
    })

    test("run the demo where no file can be written", async () => {
      const { status, stdout, stderr } = await root.run(
        ["demo", "--json", "--events", "20"],
        {},
        {
          stdout: ["address"],
        },
      ).ended
      expect(status, stderr).toBe(0)
      expect(stdout).toContain('"stored":')
    })

    async function aQueueOverTls() {
      const authority = createAuthority()
      const stub = await startSqsStub({ tls: authority.issue("localhost") })
      onTestFinished(() => stub.close())
      const database = await createDatabase()
      onTestFinished(() => database.drop())
      root.put("/etc/private-authority.pem", authority.ca)
      const env = {
        PEPPERMILL_QUEUE_URL: stub.url.replace("127.0.0.1", "localhost"),
        PEPPERMILL_QUEUE_REGION: stub.region,
        PEPPERMILL_QUEUE_WAIT_SECONDS: "1",
        PEPPERMILL_DATABASE_URL: database.url,
        PEPPERMILL_MASK_KEY: MASK_KEY,
        PEPPERMILL_QUEUE_CA_FILE: "/etc/private-authority.pem",
      }
      return { stub, database, env }
    }

    test("drain a queue over TLS, with credentials as ECS and EKS Pod Identity give them", async () => {
      const { stub, database, env } = await aQueueOverTls()
      const agent = createServer((request, response) => {
        if (request.headers.authorization !== "the-pod") return void response.writeHead(401).end()
        const Expiration = new Date(Date.now() + 3_600_000).toISOString()
        response.end(
          JSON.stringify({
            AccessKeyId: "ASIAOFTHECONTAINER",
            SecretAccessKey: "canary-aws-secret",
            Token: "canary-session-token",
            Expiration,
          }),
        )
      })
      await new Promise<void>((done) => agent.listen(0, "127.0.0.1", done))
      onTestFinished(() => void agent.close())
      root.put("/var/run/token", "the-pod")
      stub.send([login(), login({ user_id: "u-2" }), "not json"])
      const { status, stdout, stderr } = await root.run(["--batch", "--json"], {
        ...env,
        AWS_CONTAINER_CREDENTIALS_FULL_URI: `http://127.0.0.1:${(agent.address() as AddressInfo).port}/v1/credentials`,
        AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: "/var/run/token",
      }).ended
      expect(status, stderr).toBe(65)
      expect(JSON.parse(stdout)).toMatchObject({ received: 3, stored: 2, left: 1, outcome: "empty" })
      expect(await database.query("select user_id from user_logins order by 1")).toEqual([
        { user_id: "u-1" },
        { user_id: "u-2" },
      ])
      expect(stub.log[0]?.headers.authorization).toContain("Credential=ASIAOFTHECONTAINER/")
    })

    test("stop at SIGTERM with the batch in hand done, although process 1 is immune to it by default", async () => {
      const { stub, database, env } = await aQueueOverTls()
      stub.send([login()])
      const running = root.run(["--batch", "--follow"], {
        ...env,
        ...AWS_KEYS,
      })
      const deleted = () => stub.log.some(({ operation }) => operation === "DeleteMessageBatch")
      await expect.poll(deleted, { timeout: 30_000 }).toBe(true)
      running.stop()
      const { status, stderr } = await running.ended
      expect(status, stderr).toBe(143)
      expect(await database.query("select count(*)::int as n from user_logins")).toEqual([{ n: 1 }])
    })

    test("stop at SIGTERM at once when nothing is in hand yet", async () => {
      const { env } = await aQueueOverTls()
      const silent = createServer(() => {}).listen(0, "127.0.0.1")
      await new Promise<void>((done) => silent.once("listening", done))
      onTestFinished(() => {
        silent.closeAllConnections()
        silent.close()
      })
      const running = root.run(["--batch"], {
        ...env,
        PEPPERMILL_DATABASE_URL: "aws-sm:peppermill/database",
        PEPPERMILL_SECRETS_ENDPOINT: `http://127.0.0.1:${(silent.address() as AddressInfo).port}`,
        ...AWS_KEYS,
      })
      await Promise.race([new Promise((asked) => silent.once("connection", asked)), running.ended])
      const stoppedMs = Date.now()
      running.stop()
      expect((await running.ended).status).toBe(143)
      expect(Date.now() - stoppedMs).toBeLessThan(3000)
    })
  },
)
