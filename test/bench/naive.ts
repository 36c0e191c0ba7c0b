/** The loop that anybody would write first: receive ten, insert row by row, delete one by one. Started by `npm run bench`. */
import { DeleteMessageCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs"
import pg from "pg"
import { connectionString, INSERT, maskedRow, queueUrl, sqsConfig } from "./rival.ts"

const sqs = new SQSClient(sqsConfig)
const database = new pg.Client({ connectionString })
await database.connect()
for (;;) {
  const { Messages = [] } = await sqs.send(
    new ReceiveMessageCommand({
      QueueUrl: queueUrl,
      MaxNumberOfMessages: 10,
      WaitTimeSeconds: 1,
      MessageSystemAttributeNames: ["SentTimestamp"],
    }),
  )
  for (const { Body = "", ReceiptHandle, Attributes } of Messages) {
    const row = maskedRow(Body, Attributes?.SentTimestamp)
    await database.query(`${INSERT} ($1, $2, $3, $4, $5, $6, $7)`, [...row])
    await sqs.send(new DeleteMessageCommand({ QueueUrl: queueUrl, ReceiptHandle }))
  }
}
