/** What a chunk of the wire says, as far as the proofs ask. Ids are those of messages. */
export type Saying =
  /** A request to SQS, whole. */
  | { readonly kind: "request"; readonly operation: string; readonly ids: readonly string[] }
  /** A statement with its values: the ids it writes. */
  | { readonly kind: "write"; readonly ids: readonly string[] }
  /** The worker asks for COMMIT. */
  | { readonly kind: "commit" }
  /** COMMIT was answered with the tag COMMIT: what this transaction wrote. */
  | { readonly kind: "committed"; readonly ids: readonly string[] }
  /** A transaction was answered with the tag ROLLBACK. */
  | { readonly kind: "rolled-back" }
  /** The server answered with an error. */
  | { readonly kind: "error"; readonly sqlState: string }

/** Reads one connection. What spans several chunks is said by the last of them. */
export interface Reader {
  fromClient(bytes: Buffer): readonly Saying[]
  fromServer(bytes: Buffer): readonly Saying[]
}
