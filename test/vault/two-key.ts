import { createCipheriv } from "node:crypto"

const BLOCKS = 2
const UNKNOWNS = BLOCKS * 128

/**
 * Make a GCM ciphertext that is authentic under two keys at once, and ASCII text
 * under the second (the attack of Dodis, Grubbs, Ristenpart and Woodage, "Fast Message
 * Franking"): GHASH is linear in every bit of the ciphertext, so that both tags
 * be equal is 128 linear equations, and that a plaintext byte have no top bit is one more.
 *
 * @returns two blocks of ciphertext ‖ tag.
 */
export function twoKeyCiphertext(
  keys: readonly [Uint8Array, Uint8Array],
  nonce: Uint8Array,
  associatedData: Uint8Array,
): Uint8Array {
  const [a, b] = keys.map((key) => half(key, nonce, associatedData)) as [Half, Half]
  const equations: bigint[] = []
  for (let bit = 0n; bit < 128n; bit++) {
    let equation = ((a.tagOfZeros ^ b.tagOfZeros) >> bit) & 1n
    for (let unknown = 0; unknown < UNKNOWNS; unknown++) {
      const effect = ((a.effects[unknown] as bigint) ^ (b.effects[unknown] as bigint)) >> bit
      equation |= (effect & 1n) << BigInt(unknown + 1)
    }
    equations.push(equation)
  }
  for (const [index, byte] of b.keyStream.entries()) {
    equations.push((1n << BigInt(index * 8 + 1)) | BigInt(byte >> 7))
  }
  const bits = solve(equations)
  if (bits === null) throw new Error("these two keys have no ciphertext in common: try others")
  const ciphertext = Buffer.alloc(BLOCKS * 16)
  let tag = a.tagOfZeros
  for (const unknown of bits) {
    ciphertext[unknown >> 3] = (ciphertext[unknown >> 3] ?? 0) | (0x80 >> (unknown & 7))
    tag ^= a.effects[unknown] as bigint
  }
  return Buffer.concat([ciphertext, toBlock(tag)])
}

interface Half {
  /** The tag of a ciphertext of zeros. */
  readonly tagOfZeros: bigint
  /** What each bit of the ciphertext, the most significant of each byte first, changes in the tag. */
  readonly effects: readonly bigint[]
  readonly keyStream: Uint8Array
}

function half(key: Uint8Array, nonce: Uint8Array, associatedData: Uint8Array): Half {
  const counter = (count: number) => aesBlock(key, Buffer.concat([nonce, Buffer.of(0, 0, 0, count)]))
  const h = fromBlock(aesBlock(key, new Uint8Array(16)))
  const zeros = new Uint8Array(BLOCKS * 16)
  const blocks = [
    ...toBlocks(associatedData),
    ...toBlocks(zeros),
    lengths(associatedData.length, zeros.length),
  ]
  const hash = blocks.reduce((sum, block) => multiply(sum ^ fromBlock(block), h), 0n)
  const effects = Array.from({ length: UNKNOWNS }, (_, unknown) => {
    const bit = 1n << BigInt(127 - (unknown % 128))
    // After its own multiplication come those of the blocks behind it, the lengths' among them.
    let effect = multiply(bit, h)
    for (let after = unknown >> 7; after < BLOCKS; after++) effect = multiply(effect, h)
    return effect
  })
  const keyStream = Buffer.concat(Array.from({ length: BLOCKS }, (_, index) => counter(index + 2)))
  return { tagOfZeros: hash ^ fromBlock(counter(1)), effects, keyStream }
}

/**
 * Gauss and Jordan over GF(2).
 *
 * @param equations - Bit 0 is the constant, bit n + 1 the coefficient of unknown n.
 * @returns The unknowns that are 1 in one solution, or null when there is none.
 */
function solve(equations: readonly bigint[]): number[] | null {
  const rows = [...equations]
  const pivots: number[] = []
  for (let unknown = 0; unknown < UNKNOWNS && pivots.length < rows.length; unknown++) {
    const column = 1n << BigInt(unknown + 1)
    const at = rows.findIndex((row, index) => index >= pivots.length && (row & column) !== 0n)
    if (at < 0) continue
    const pivot = rows[at] as bigint
    rows[at] = rows[pivots.length] as bigint
    rows[pivots.length] = pivot
    for (const [index, row] of rows.entries()) {
      if (index !== pivots.length && (row & column) !== 0n) rows[index] = row ^ pivot
    }
    pivots.push(unknown)
  }
  if (rows.slice(pivots.length).includes(1n)) return null
  return pivots.filter((_, index) => ((rows[index] as bigint) & 1n) === 1n)
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
