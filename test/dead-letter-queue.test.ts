import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { openDeadLetterQueue, openSettings } from "../src/open.ts"
import { createAuthority } from "./certificate.ts"
import { startSqsStub } from "./sqs-stub.ts"

test("the dead-letter queue is reached as its queue is, private authorities included", async () => {
  const folder = await mkdtemp(join(tmpdir(), "peppermill-dead-letters-"))
  onTestFinished(() => rm(folder, { recursive: true }))
  const authority = createAuthority()
  const caFile = join(folder, "authority.pem")
  await writeFile(caFile, authority.ca)
  const sqs = await startSqsStub({ tls: authority.issue("127.0.0.1") })
  onTestFinished(() => sqs.close())
  const env = {
    PEPPERMILL_QUEUE_URL: sqs.url,
    PEPPERMILL_QUEUE_REGION: sqs.region,
    PEPPERMILL_QUEUE_CA_FILE: caFile,
  }
  const settings = {
    ...(await openSettings({ cwd: folder, env })),
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  }

  const source = await openDeadLetterQueue(settings, "arn:aws:sqs:us-east-1:000000000000:dead")
  onTestFinished(() => source.close())
  expect(await source.counts()).toMatchObject({ visible: 0 })
  expect(sqs.log.map(({ input }) => input.QueueUrl)).toEqual([expect.stringMatching(/\/dead$/)])
})
