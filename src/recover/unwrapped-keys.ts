import { unwrapDataKey } from "./open.ts"

/** Data keys, unwrapped once each while they are needed. Disposed of, they are overwritten. */
export interface UnwrappedKeys extends Disposable {
  /**
   * @param wrapped - Null when the data key is no longer there.
   * @returns The 32 bytes, or null when no identity opens it.
   */
  of(id: Uint8Array, wrapped: Uint8Array | null): Promise<Uint8Array | null>
}

/** @param identities - As `readIdentities` gives them; at least one. */
export function createUnwrappedKeys(identities: readonly string[]): UnwrappedKeys {
  const keys = new Map<string, Uint8Array | null>()
  return {
    async of(id, wrapped) {
      const name = Buffer.from(id).toString("hex")
      const known = keys.get(name)
      if (known !== undefined) return known
      const key = wrapped === null ? null : await unwrapDataKey(wrapped, identities)
      keys.set(name, key)
      return key
    },
    [Symbol.dispose]() {
      for (const key of keys.values()) key?.fill(0)
    },
  }
}
