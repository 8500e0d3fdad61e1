/** haraka-dsn ships no types; this is what the pack uses of it (checked by the contract test). */
declare module 'haraka-dsn' {
  export default class DSN {
    readonly code: number
    readonly reply: string | string[]
    static create(code: number, text: string, subject?: number, detail?: number): DSN
  }
}
