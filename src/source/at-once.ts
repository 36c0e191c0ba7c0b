/**
 * Do all of `items`, at most `limit` at a time. After a failure none is begun;
 * those begun are waited for, then the first failure is thrown.
 */
export async function atOnce<T>(
  limit: number,
  items: readonly T[],
  work: (item: T) => Promise<void>,
): Promise<void> {
  const rest = items.values()
  let failure: { readonly error: unknown } | undefined
  async function worker() {
    for (const item of rest) {
      if (failure !== undefined) return
      try {
        await work(item)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(limit, items.length) }, worker))
  if (failure !== undefined) throw failure.error
}

/** Cut a list into lists of `size`, the last one perhaps shorter. */
export function chunksOf<T>(size: number, items: readonly T[]): T[][] {
  const chunks: T[][] = []
  for (let at = 0; at < items.length; at += size) chunks.push(items.slice(at, at + size))
  return chunks
}
