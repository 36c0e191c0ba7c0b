import type { EventShape } from "../decode/event-shape.ts"
import type { Token } from "../mask/token.ts"
import { ledgerId } from "../message-id.ts"
import type { SealedOriginal, SealedReject, WrappedDataKey } from "../sink/sink.ts"
import type { Delivery } from "../source/source.ts"
import { createDataKey, type DataKey, MAX_SEALS } from "./data-key.ts"
import { createKnownOriginals, type Mark } from "./known-originals.ts"
import { describeBody } from "./quarantine.ts"
import { checkRecipients } from "./recipients.ts"
import { seal } from "./seal.ts"

/** A masked field's clear value, as it came, and its token. Personal data. */
export interface Original {
  readonly field: string
  readonly token: Token
  readonly value: string
}

export interface VaultOptions {
  readonly recipients: readonly string[]
  readonly shape: EventShape
  /** Store a data key. Resolves only after the commit: nothing is sealed with a key that could get lost. */
  readonly storeDataKey: (key: WrappedDataKey) => Promise<void>
  /** Seals after which `ready` makes the next data key; at most 2^20. */
  readonly sealsPerKey?: number
  /** Milliseconds since the epoch. */
  readonly now?: () => number
}

/** Where an original that was sealed here has its mark. A WeakMap of them costs the garbage collector dearly. */
const MARK = Symbol("mark")

interface Marked extends SealedOriginal {
  readonly [MARK]?: Mark
}

/** Milliseconds a data key is used: the database deletes one that seals nothing any more, but none of the last weeks. */
const MAX_KEY_AGE_MS = 86_400_000

/** What the drain does with originals: seal them, and never read them back. */
export interface Vault {
  /**
   * Resolves once there is a stored data key with room. Await it for each receive
   * that brought messages, before sealing: it makes the first key, so that a run
   * which finds nothing stores none, and the next one while the old has half its
   * seals left, or after a day. When storing fails it throws that error; the next call tries anew.
   */
  ready(): Promise<void>
  /** Seal what this run has not stored already. @throws Error before `ready`, or after `close`. */
  sealOriginals(subject: string, originals: readonly Original[]): readonly SealedOriginal[]
  /** Seal a rejected body. A body that is not well-formed Unicode, which SQS never sends, loses its lone surrogates. */
  sealReject(
    delivery: Pick<Delivery, "id" | "body" | "sentAtMs">,
    rejection: { readonly reason: string; readonly field: string },
  ): SealedReject
  /**
   * Tell that these are in the vault: repeats are skipped from now on. Only after
   * the commit, and only if that commit stored them: the originals of a message
   * that was in the ledger already may have been stored under another key, or erased since.
   */
  committed(originals: readonly SealedOriginal[]): void
  /** Someone erased originals: take nothing for stored any more, not even what is being committed now. */
  forget(): void
  /** Drop the data key. */
  close(): void
}

/**
 * Make a vault for one run of the writer. It has public keys only.
 *
 * A data key is stored and committed before its first seal, in a transaction of
 * its own. A crash in between leaves a key that sealed nothing: harmless.
 *
 * @throws UserError of kind `config` when a recipient cannot be used.
 */
export function createVault(options: VaultOptions): Vault {
  const { recipients, shape, storeDataKey, sealsPerKey = MAX_SEALS / 2, now = Date.now } = options
  if (sealsPerKey < 1 || sealsPerKey > MAX_SEALS) throw new RangeError("sealsPerKey: 1 to 2^20")
  checkRecipients(recipients)
  const known = createKnownOriginals()
  let current: DataKey | null = null
  let madeAtMs = 0
  let making: Promise<void> | null = null
  let closed = false

  async function makeDataKey(): Promise<void> {
    const startedMs = now()
    const next = await createDataKey(recipients)
    try {
      await storeDataKey({ id: next.id, recipients: next.recipients, wrapped: next.wrapped })
    } catch (error) {
      next.drop()
      throw error
    }
    if (closed) return next.drop()
    // Seals are synchronous, so none is under way with the old key now.
    current?.drop()
    current = next
    madeAtMs = startedMs
  }

  const isSpent = () => current === null || current.seals >= sealsPerKey || now() - madeAtMs >= MAX_KEY_AGE_MS

  function dataKey(): DataKey {
    if (closed) throw new Error("the vault is closed")
    if (current === null) throw new Error("the vault has no data key yet: await ready() first")
    return current
  }

  return {
    async ready() {
      while (!closed && isSpent()) {
        making ??= makeDataKey().finally(() => {
          making = null
        })
        await making
      }
    },
    sealOriginals(subject, originals) {
      const key = dataKey()
      const sealed: SealedOriginal[] = []
      for (const { field, token, value } of originals) {
        const mark = known.markUnknown(subject, field, token)
        if (mark === null) continue
        const context = { kind: "original", table: shape.table, subject, field, token } as const
        const bytes = seal(key, context, value)
        const original: Marked = { subject, field, token, dataKeyId: key.id, sealed: bytes, [MARK]: mark }
        sealed.push(original)
      }
      return sealed
    },
    sealReject({ id, body, sentAtMs }, { reason, field }) {
      const key = dataKey()
      // As the quarantine will name it: what is bound here must be what stands there.
      const messageId = ledgerId(id)
      const context = { kind: "reject", messageId, sentAtMs, reason, field } as const
      return {
        messageId,
        sentAtMs,
        reason,
        field,
        shape: describeBody(body, shape),
        dataKeyId: key.id,
        sealed: seal(key, context, body.toWellFormed()),
      }
    },
    committed(originals) {
      for (const { [MARK]: mark } of originals as readonly Marked[]) {
        if (mark !== undefined) known.remember(mark)
      }
    },
    forget: known.forget,
    close() {
      closed = true
      current?.drop()
      current = null
    },
  }
}
