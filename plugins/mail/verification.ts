/**
 * The next system's word on a recipient (verify_recipients). `unknown`: it could not be had in time,
 * or means nothing because that system takes or refuses everybody; the mail is accepted then.
 */
export type Verification =
  | { readonly kind: 'yes' }
  /** `words` are the host's own */
  | { readonly kind: 'no'; readonly host: string; readonly words: string }
  | { readonly kind: 'unknown'; readonly reason: string }

/** For people. */
export function describeVerification(answer: Verification): string {
  switch (answer.kind) {
    case 'yes':
      return 'takes it'
    case 'no':
      return `${answer.host} said: ${answer.words}`
    case 'unknown':
      return `cannot say: ${answer.reason}`
  }
}
