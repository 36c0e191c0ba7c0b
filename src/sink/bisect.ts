/** What became of a list that was written in parts. */
export interface Bisected<Item, Result> {
  /** One result for each part that went through. */
  readonly written: readonly Result[]
  /** Items that were refused even alone, with the error. */
  readonly refused: readonly { readonly item: Item; readonly error: unknown }[]
}

/**
 * Write all the items, or, when one of them is at fault, all but the culprits:
 * split what was refused in halves until each culprit stands alone.
 *
 * @param write - All of its items or none.
 * @param isCulprits - Tells an error of the data from one that no split can cure, which is thrown.
 */
export async function writeBisecting<Item, Result>(
  items: readonly Item[],
  write: (items: readonly Item[]) => Promise<Result>,
  isCulprits: (error: unknown) => boolean,
): Promise<Bisected<Item, Result>> {
  const written: Result[] = []
  const refused: { item: Item; error: unknown }[] = []
  const waiting = [items]
  for (let part = waiting.pop(); part !== undefined; part = waiting.pop()) {
    try {
      written.push(await write(part))
    } catch (error) {
      if (!isCulprits(error)) throw error
      const [first] = part
      if (part.length === 1 && first !== undefined) {
        refused.push({ item: first, error })
        continue
      }
      const middle = Math.ceil(part.length / 2)
      waiting.push(part.slice(middle), part.slice(0, middle))
    }
  }
  return { written, refused }
}
