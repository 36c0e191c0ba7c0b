/** What the loops we compare with share: they mask as we do, and write to the same table. */
import { createHmac } from "node:crypto"
import type { SQSClientConfig } from "@aws-sdk/client-sqs"

const key = Buffer.from(process.env["PEPPERMILL_MASK_KEY"] ?? "", "hex")

export const queueUrl = process.env["PEPPERMILL_QUEUE_URL"] ?? ""
export const connectionString = process.env["PEPPERMILL_DATABASE_URL"] ?? ""
export const sqsConfig: SQSClientConfig = {
  region: process.env["PEPPERMILL_QUEUE_REGION"] ?? "",
  endpoint: new URL(queueUrl).origin,
}

export const INSERT = `insert into user_logins
  (user_id, device_type, masked_ip, masked_device_id, locale, app_version, create_date) values`

/** The columns of `INSERT`. */
export function maskedRow(body: string, sentTimestamp: string | undefined): readonly unknown[] {
  const { user_id, device_type, ip, device_id, locale, app_version } = JSON.parse(body)
  const [major, minor, patch] = app_version.split(".").map(Number)
  return [
    user_id,
    device_type,
    mask(ip),
    mask(device_id),
    locale,
    major * 1_000_000 + (minor ?? 0) * 1000 + (patch ?? 0),
    new Date(Number(sentTimestamp)).toISOString().slice(0, 10),
  ]
}

function mask(value: string): string {
  return `k1:${createHmac("sha256", key).update(value).digest("hex")}`
}
