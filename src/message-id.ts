import { createHash } from "node:crypto"

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

/**
 * The ledger's name for a message. SQS message ids are UUIDs and stay what they
 * are; any other id gets one of its own, always the same: a UUIDv8 (RFC 9562)
 * from its SHA-256.
 */
export function ledgerId(messageId: string): string {
  const lower = messageId.toLowerCase()
  if (UUID.test(lower)) return lower
  const bytes = createHash("sha256").update(messageId, "utf8").digest().subarray(0, 16)
  bytes[6] = ((bytes[6] as number) & 0x0f) | 0x80
  bytes[8] = ((bytes[8] as number) & 0x3f) | 0x80
  return bytes.toString("hex").replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, "$1-$2-$3-$4-$5")
}
