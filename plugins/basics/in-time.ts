/**
 * A promise or a timer, whichever is first. Every wait has an end, and no timer outlives its wait.
 */

/** What the promise gives, or after `ms` milliseconds what `late` gives or throws. */
export async function inTime<T, L>(promise: Promise<T>, ms: number, late: () => L): Promise<T | L> {
  let timer: NodeJS.Timeout | undefined
  const end = new Promise<L>((resolve, reject) => {
    timer = setTimeout(
      () => {
        try {
          resolve(late())
        } catch (error) {
          reject(error)
        }
      },
      Math.max(0, ms),
    )
  })
  try {
    return await Promise.race([promise, end])
  } finally {
    clearTimeout(timer)
  }
}
