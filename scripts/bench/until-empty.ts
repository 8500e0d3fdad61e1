/** Settles when a queue is empty; rejects after two minutes. */
export async function untilEmpty(count: () => Promise<number>): Promise<void> {
  const end = Date.now() + 120_000
  while ((await count()) > 0) {
    if (Date.now() > end) throw new Error('expected the queue to become empty within 120 s')
    await new Promise((later) => setTimeout(later, 10))
  }
}
