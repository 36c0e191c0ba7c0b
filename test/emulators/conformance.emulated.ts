import { setTimeout as sleep } from "node:timers/promises"
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager"
import { CreateTopicCommand, SNSClient, SubscribeCommand } from "@aws-sdk/client-sns"
import {
  ChangeMessageVisibilityCommand,
  DeleteMessageBatchCommand,
  GetQueueUrlCommand,
  ReceiveMessageCommand,
  SendMessageBatchCommand,
  SendMessageCommand,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs"
import { afterAll, describe, expect, onTestFinished, test } from "vitest"
import { MASK_KEY } from "../binary.ts"
import { createDatabase, type TestDatabase } from "../database.ts"
import { login } from "../shape.ts"
import { DIFFERENCES } from "./differences.ts"
import { benchOf, clientOptions, type Emulator, emulators, type Service } from "./emulator.ts"

async function database(): Promise<TestDatabase> {
  const made = await createDatabase()
  onTestFinished(() => made.drop())
  return made
}

const RECIPIENT = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj"

const logins = (count: number) =>
  Array.from({ length: count }, (_, n) => login({ user_id: `u-${n}`, ip: `203.0.113.${n % 200}` }))

async function rows(made: TestDatabase): Promise<number> {
  const [row] = await made.query<{ n: number }>("select count(*)::int as n from user_logins")
  return row?.n ?? -1
}

test("the emulators were named: npm run test:emulators starts them", () => {
  expect(emulators.length).toBeGreaterThan(0)
})

describe.each(emulators)("$name", (emulator: Emulator) => {
  // The reason is in the title, so that the report has it.
  if (emulator.missing !== undefined) {
    test.skip(`not to be had here: ${emulator.missing}`, () => {})
    return
  }
  const bench = benchOf(emulator)
  const { sqs } = bench
  afterAll(() => sqs.destroy())

  /** A test of what AWS documents. Where the emulator is known to differ, it must fail. */
  function documented(title: string, body: () => Promise<void>): void {
    const difference = DIFFERENCES[emulator.name]?.[title]
    if (difference === undefined) test(title, body)
    else test.fails(`${title} (here not: ${difference})`, body)
  }

  describe("a run of the executable", () => {
    documented("stores every good message, once, and deletes it", async () => {
      const [queue, made] = [await bench.queue(), await database()]
      await bench.send(queue, logins(60))
      const { status, stdout, stderr } = await bench.batch(queue, made)
      expect(status, stderr).toBe(0)
      expect(JSON.parse(stdout)).toMatchObject({ received: 60, stored: 60, left: 0, outcome: "empty" })
      expect(await rows(made)).toBe(60)
      expect(await bench.counts(queue)).toEqual([0, 0])
    })

    documented("waits for messages that another consumer holds, and says how many there are", async () => {
      const [queue, made] = [await bench.queue({ VisibilityTimeout: "120" }), await database()]
      await bench.send(queue, logins(1))
      await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.url }))
      const { status, stdout, stderr } = await bench.batch(queue, made, {
        PEPPERMILL_DRAIN_TIMEOUT_SECONDS: "2",
      })
      expect(status, stderr).toBe(75)
      expect(JSON.parse(stdout)).toMatchObject({ received: 0, outcome: "stopped", heldByOthers: 1 })
    })

    documented("takes a message whose consumer died, when its visibility timeout is over", async () => {
      const [queue, made] = [await bench.queue({ VisibilityTimeout: "3" }), await database()]
      await bench.send(queue, logins(1))
      await sqs.send(new ReceiveMessageCommand({ QueueUrl: queue.url }))
      const { status, stderr } = await bench.batch(queue, made)
      expect(status, stderr).toBe(0)
      expect(await rows(made)).toBe(1)
      expect(await bench.counts(queue)).toEqual([0, 0])
    })

    documented("leaves what it cannot store to the redrive policy", async () => {
      const { queue, dead, made } = await aDeadLetter()
      expect(await bench.counts(dead)).toEqual([1, 0])
      expect(await bench.counts(queue)).toEqual([0, 0])
      expect(await rows(made)).toBe(3)
    })

    documented("quarantines what is redriven from the dead letters, once there is a vault", async () => {
      const { queue, dead, made } = await aDeadLetter()
      await sqs.send(new StartMessageMoveTaskCommand({ SourceArn: dead.arn }))
      await expect.poll(() => bench.counts(queue), { timeout: 20_000 }).toEqual([1, 0])
      const { status, stdout, stderr } = await bench.batch(queue, made, {
        PEPPERMILL_VAULT_RECIPIENTS: RECIPIENT,
      })
      expect(status, stderr).toBe(65)
      expect(JSON.parse(stdout)).toMatchObject({ received: 1, quarantined: 1, left: 0 })
      expect(await bench.counts(queue)).toEqual([0, 0])
      expect(await bench.counts(dead)).toEqual([0, 0])
    })

    /** A queue whose one bad message has been received as often as its policy allows. */
    async function aDeadLetter() {
      const [dead, made] = [await bench.queue(), await database()]
      const RedrivePolicy = JSON.stringify({ deadLetterTargetArn: dead.arn, maxReceiveCount: 3 })
      const queue = await bench.queue({ RedrivePolicy })
      await bench.send(queue, ["not json", ...logins(3)])
      for (let run = 0; run < 5 && (await bench.counts(dead))[0] === 0; run++) await bench.batch(queue, made)
      return { queue, dead, made }
    }
  })

  describe("what the queue documents", () => {
    const failing = (attempt: Promise<unknown>, name: string) =>
      expect(attempt).rejects.toMatchObject({ name: expect.stringContaining(name) })

    const entries = (count: number, id = (n: number) => `${n}`) =>
      Array.from({ length: count }, (_, n) => ({ Id: id(n), MessageBody: "{}" }))

    documented("a queue that does not exist is QueueDoesNotExist", () =>
      failing(sqs.send(new GetQueueUrlCommand({ QueueName: "never-made" })), "QueueDoesNotExist"),
    )

    documented("a batch of eleven is TooManyEntriesInBatchRequest", async () => {
      const { url } = await bench.queue()
      const send = sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: entries(11) }))
      await failing(send, "TooManyEntriesInBatchRequest")
    })

    documented("a batch of none is EmptyBatchRequest", async () => {
      const { url } = await bench.queue()
      await failing(
        sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries: [] })),
        "EmptyBatchRequest",
      )
    })

    documented("a batch with one id twice is BatchEntryIdsNotDistinct", async () => {
      const { url } = await bench.queue()
      const Entries = entries(2, () => "same")
      await failing(
        sqs.send(new SendMessageBatchCommand({ QueueUrl: url, Entries })),
        "BatchEntryIdsNotDistinct",
      )
    })

    documented("no more than ten messages can be asked for", async () => {
      const { url } = await bench.queue()
      const receive = sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MaxNumberOfMessages: 11 }))
      await failing(receive, "InvalidParameterValue")
    })

    documented("no longer poll than twenty seconds can be asked for", async () => {
      const { url } = await bench.queue()
      const receive = sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 21 }))
      await failing(receive, "InvalidParameterValue")
    })

    documented("a body of 1 MiB is taken, and comes back whole", async () => {
      const { url } = await bench.queue()
      const MessageBody = "x".repeat(1_048_576)
      await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody }))
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url }))
      expect(Messages[0]?.Body?.length).toBe(MessageBody.length)
    })

    documented("a NUL in a body is InvalidMessageContents", async () => {
      const { url } = await bench.queue()
      const send = sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "a\u0000b" }))
      await failing(send, "InvalidMessageContents")
    })

    documented("a long poll ends as soon as a message comes", async () => {
      const { url } = await bench.queue()
      const startedMs = Date.now()
      const receiving = sqs.send(new ReceiveMessageCommand({ QueueUrl: url, WaitTimeSeconds: 10 }))
      await sleep(500)
      await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "{}" }))
      expect((await receiving).Messages).toHaveLength(1)
      expect(Date.now() - startedMs).toBeLessThan(8000)
    })

    documented("a message says when it was sent, and how often it was received", async () => {
      const { url } = await bench.queue()
      const sentMs = Date.now()
      await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "{}" }))
      const MessageSystemAttributeNames = ["SentTimestamp" as const, "ApproximateReceiveCount" as const]
      const receive = () =>
        sqs.send(new ReceiveMessageCommand({ QueueUrl: url, MessageSystemAttributeNames }))
      const { ReceiptHandle, Attributes } = (await receive()).Messages?.[0] ?? {}
      expect(Math.abs(Number(Attributes?.SentTimestamp) - sentMs)).toBeLessThan(10_000)
      expect(Attributes?.ApproximateReceiveCount).toBe("1")
      const now = { QueueUrl: url, ReceiptHandle, VisibilityTimeout: 0 }
      await sqs.send(new ChangeMessageVisibilityCommand(now))
      expect((await receive()).Messages?.[0]?.Attributes?.ApproximateReceiveCount).toBe("2")
    })

    documented("of a delete batch each entry that fails is named", async () => {
      const { url } = await bench.queue()
      await sqs.send(new SendMessageCommand({ QueueUrl: url, MessageBody: "{}" }))
      const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: url }))
      const Entries = [
        { Id: "good", ReceiptHandle: Messages[0]?.ReceiptHandle ?? "" },
        { Id: "bad", ReceiptHandle: "no receipt of this queue" },
      ]
      const answer = await sqs.send(new DeleteMessageBatchCommand({ QueueUrl: url, Entries }))
      expect(answer.Successful?.map(({ Id }) => Id)).toEqual(["good"])
      expect(answer.Failed?.map(({ Id, Code, SenderFault }) => ({ Id, Code, SenderFault }))).toEqual([
        { Id: "bad", Code: "ReceiptHandleIsInvalid", SenderFault: true },
      ])
    })
  })

  const has = (service: Service) => emulator.services.includes(service)
  const orWhyNot = (service: Service) => (has(service) ? "" : `: skipped, as ${emulator.name} has none`)

  describe.skipIf(!has("secretsmanager"))(`Secrets Manager${orWhyNot("secretsmanager")}`, () => {
    const secrets = new SecretsManagerClient(clientOptions(emulator))

    async function keep(SecretString: string): Promise<string> {
      const Name = `peppermill/${crypto.randomUUID()}`
      return (await secrets.send(new CreateSecretCommand({ Name, SecretString }))).ARN ?? ""
    }

    documented("holds the mask key in JSON and the database in the form of RDS", async () => {
      const [queue, made] = [await bench.queue(), await database()]
      const { hostname, port, username, password, pathname } = new URL(made.url)
      const rds = { host: hostname, port: Number(port), username, password, dbname: pathname.slice(1) }
      await bench.send(queue, logins(5))
      const { status, stderr } = await bench.batch(queue, made, {
        PEPPERMILL_SECRETS_ENDPOINT: emulator.endpoint,
        PEPPERMILL_DATABASE_URL: `aws-sm:${await keep(JSON.stringify({ engine: "postgres", ...rds }))}`,
        PEPPERMILL_MASKING_KEYS: `k1=aws-sm:${await keep(JSON.stringify({ key: MASK_KEY }))}#key`,
      })
      expect(status, stderr).toBe(0)
      expect(await rows(made)).toBe(5)
    })

    documented("a secret that is not there stops the run before the first receive", async () => {
      const [queue, made] = [await bench.queue(), await database()]
      await bench.send(queue, logins(1))
      const { status, stderr } = await bench.batch(queue, made, {
        PEPPERMILL_SECRETS_ENDPOINT: emulator.endpoint,
        PEPPERMILL_MASKING_KEYS: "k1=aws-sm:peppermill/never-made",
      })
      expect(status, stderr).toBe(78)
      expect(stderr).toContain("peppermill/never-made")
      expect(await bench.counts(queue)).toEqual([1, 0])
    })
  })

  describe.skipIf(!has("sns"))(`SNS${orWhyNot("sns")}`, () => {
    documented(
      "carries an alert to whoever subscribed, with its attributes and without a value",
      async () => {
        const sns = new SNSClient(clientOptions(emulator))
        onTestFinished(() => sns.destroy())
        const [queue, alerts, made] = [await bench.queue(), await bench.queue(), await database()]
        const Name = `alerts-${crypto.randomUUID()}`
        const { TopicArn = "" } = await sns.send(new CreateTopicCommand({ Name }))
        const subscription = { TopicArn, Protocol: "sqs", Endpoint: alerts.arn }
        await sns.send(new SubscribeCommand({ ...subscription, Attributes: { RawMessageDelivery: "true" } }))
        await bench.send(queue, [...logins(2), login({ ip: "203.0.113.999", user_id: "u-canary" })])
        const { status, stderr } = await bench.batch(queue, made, {
          PEPPERMILL_ALERTS_TOPIC_ARN: TopicArn,
          PEPPERMILL_ALERTS_ENDPOINT: emulator.endpoint,
        })
        expect(status, stderr).toBe(65)
        const received = await sqs.send(
          new ReceiveMessageCommand({
            QueueUrl: alerts.url,
            MaxNumberOfMessages: 10,
            WaitTimeSeconds: 5,
            MessageAttributeNames: ["All"],
          }),
        )
        const kinds = received.Messages?.map(({ MessageAttributes: a }) => [a?.["kind"], a?.["state"]])
        expect(kinds?.map((pair) => pair.map((each) => each?.StringValue))).toContainEqual([
          "reject-rate",
          "alarm",
        ])
        expect(JSON.stringify(received.Messages)).not.toMatch(/203\.0\.113|u-canary/)
      },
    )
  })
})
