import { createCipheriv } from "node:crypto"

/**
 * Make a GCM ciphertext that is authentic under two keys at once (after Dodis,
 * Grubbs, Ristenpart and Woodage, "Fast Message Franking", section 3): GHASH is
 * linear in every block, so one free block can make both tags equal.
 *
 * @returns two blocks of ciphertext ‖ tag.
 */
export function twoKeyCiphertext(
  keys: readonly [Uint8Array, Uint8Array],
  nonce: Uint8Array,
  associatedData: Uint8Array,
  firstBlock: Uint8Array,
): Uint8Array {
  const [a, b] = keys.map((key) => {
    const h = fromBlock(aesBlock(key, new Uint8Array(16)))
    const mask = fromBlock(aesBlock(key, Buffer.concat([nonce, Buffer.of(0, 0, 0, 1)])))
    const tagWith = (freeBlock: Uint8Array) => {
      const blocks = [...toBlocks(associatedData), firstBlock, freeBlock, lengths(associatedData.length, 32)]
      return mask ^ blocks.reduce((sum, block) => multiply(sum ^ fromBlock(block), h), 0n)
    }
    return { square: multiply(h, h), tagWith }
  }) as [Half, Half]
  const none = new Uint8Array(16)
  const free = multiply(a.tagWith(none) ^ b.tagWith(none), inverse(a.square ^ b.square))
  const freeBlock = toBlock(free)
  return Buffer.concat([firstBlock, freeBlock, toBlock(a.tagWith(freeBlock))])
}

interface Half {
  readonly square: bigint
  readonly tagWith: (freeBlock: Uint8Array) => bigint
}

function aesBlock(key: Uint8Array, block: Uint8Array): Buffer {
  return createCipheriv("aes-256-ecb", key, null).setAutoPadding(false).update(block)
}

function toBlocks(bytes: Uint8Array): Uint8Array[] {
  const padded = Buffer.concat([bytes, new Uint8Array((16 - (bytes.length % 16)) % 16)])
  return Array.from({ length: padded.length / 16 }, (_, index) =>
    padded.subarray(index * 16, index * 16 + 16),
  )
}

function lengths(dataBytes: number, cipherBytes: number): Uint8Array {
  const block = Buffer.alloc(16)
  block.writeBigUInt64BE(BigInt(dataBytes) * 8n, 0)
  block.writeBigUInt64BE(BigInt(cipherBytes) * 8n, 8)
  return block
}

const fromBlock = (block: Uint8Array) => BigInt(`0x${Buffer.from(block).toString("hex")}`)
const toBlock = (n: bigint) => Buffer.from(n.toString(16).padStart(32, "0"), "hex")

/** GF(2^128) as GCM has it (SP 800-38D, 6.3): the most significant bit is the coefficient of x^0. */
function multiply(x: bigint, y: bigint): bigint {
  let product = 0n
  let power = y
  for (let bit = 127n; bit >= 0n; bit--) {
    if ((x >> bit) & 1n) product ^= power
    power = power & 1n ? (power >> 1n) ^ (0xe1n << 120n) : power >> 1n
  }
  return product
}

/** x^(2^128 - 2). */
function inverse(x: bigint): bigint {
  let result = 1n << 127n
  let power = x
  for (let bit = 1; bit < 128; bit++) {
    power = multiply(power, power)
    result = multiply(result, power)
  }
  return result
}
