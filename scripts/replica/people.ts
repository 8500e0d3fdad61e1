/** Who is in the directory of the replica's run, and how the run says what it found. */
export const domain = 'example.com'

export const say = (text: string): void =>
  console.log(`${new Date().toISOString().slice(11, 19)} ${text}`)
export const user = (index: number): string => `user${index}@${domain}`
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from }, (_, index) => from + index)

export function ldif(numbers: readonly number[], base: string): string {
  return numbers
    .map((index) =>
      [
        `dn: CN=user${index},${base}`,
        'objectClass: contact',
        `proxyAddresses: SMTP:${user(index)}`,
        `proxyAddresses: smtp:alias${index}@${domain}`,
        `targetAddress: SMTP:${user(index)}`,
        '',
      ].join('\n'),
    )
    .join('\n')
}
