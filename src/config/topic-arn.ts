/** The parts of an SNS topic's ARN that a client needs. */
export interface Topic {
  readonly arn: string
  readonly region: string
  /** Whether the topic keeps an order, and wants a group with each message. */
  readonly fifo: boolean
}

/** SNS: a topic's name has up to 256 letters, digits, hyphens and underscores; a FIFO topic's ends in .fifo. */
const TOPIC_ARN =
  /^arn:aws(?:-[a-z]+)*:sns:([a-z]{2,4}(?:-[a-z]+)+-[0-9]+):[0-9]{12}:(?=.{1,256}$)[A-Za-z0-9_-]+(\.fifo)?$/

/** @returns null when the text is not the ARN of a topic. */
export function parseTopicArn(arn: string): Topic | null {
  const match = TOPIC_ARN.exec(arn)
  if (match === null) return null
  return { arn, region: match[1] ?? "", fifo: match[2] !== undefined }
}
