/**
 * An answer that is mostly there already. To wait for it all the same costs a message some microseconds
 * each time, and the way of a message has dozens of such questions: who asks looks first.
 */
export type Soon<T> = T | Promise<T>

/** What follows from the answer: at once if it is there. Rejects, or throws, as the two do. */
export function thenSoon<T, R>(answer: Soon<T>, follow: (value: T) => Soon<R>): Soon<R> {
  return answer instanceof Promise ? answer.then(follow) : follow(answer)
}
