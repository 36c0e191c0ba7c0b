/** sqs-consumer, as many as asked for in one process: a multi-row insert for each receive, batch deletes. Started by `npm run bench`. */
import { SQSClient } from "@aws-sdk/client-sqs"
import pg from "pg"
import { Consumer } from "sqs-consumer"
import { connectionString, INSERT, maskedRow, queueUrl, sqsConfig } from "./rival.ts"

const consumers = Number(process.argv[2])
const sqs = new SQSClient(sqsConfig)
const pool = new pg.Pool({ connectionString, max: consumers })

/** `($1, …, $7), ($8, …`: as many as there are rows. */
const places = (rows: number) =>
  Array.from(
    { length: rows },
    (_, row) => `(${[1, 2, 3, 4, 5, 6, 7].map((at) => `$${row * 7 + at}`)})`,
  ).join()

for (let started = 0; started < consumers; started++) {
  const consumer = Consumer.create({
    queueUrl,
    sqs,
    batchSize: 10,
    waitTimeSeconds: 1,
    messageSystemAttributeNames: ["SentTimestamp"],
    async handleMessageBatch(messages) {
      const values = messages.flatMap(({ Body = "", Attributes }) =>
        maskedRow(Body, Attributes?.["SentTimestamp"]),
      )
      await pool.query(`${INSERT} ${places(messages.length)}`, values)
      return messages
    },
  })
  consumer.on("error", (error) => process.stderr.write(`${error.message}\n`))
  consumer.start()
}
