/** An SMTP reply of ours: code (RFC 5321), enhanced code (RFC 3463), text without either. */
export interface Reply {
  readonly code: number
  readonly enhanced: string
  readonly text: string
}
