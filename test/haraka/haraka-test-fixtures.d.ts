/** haraka-test-fixtures ships no types; this is what the tests use of it. */
declare module 'haraka-test-fixtures' {
  interface Answer {
    rc: number | undefined
    msg: { reply: string } | undefined
  }
  export interface Plugin {
    readonly name: string
    readonly hooks: Record<string, string[]>
    haraka_require(name: string): unknown
    register(): void
    shutdown(): void
  }
  interface Connection {
    readonly transaction: {
      rcpt_to: object[]
      readonly results: { get(name: string): Record<string, unknown> | undefined }
    }
  }
  const fixtures: {
    makePlugin(name: string, options: { register: boolean; configDir: string }): Plugin
    makeConnection(options: {
      ip?: string
      relaying?: boolean
      mailFrom: string
      silent: true
    }): Connection
    callRcpt(plugin: Plugin, connection: Connection, address: object): Promise<Answer>
    callRcptOk(plugin: Plugin, connection: Connection, address: object): Promise<Answer>
    callData(plugin: Plugin, connection: Connection): Promise<Answer>
  }
  export default fixtures
}
