/** How output looks: colours and width of a terminal, plain text elsewhere (and with NO_COLOR). */
export interface TerminalStyle {
  readonly width: number
  readonly colours: boolean
}

const plainWidth = 132

export function terminalStyle(): TerminalStyle {
  const { isTTY, columns } = process.stdout as { isTTY?: boolean; columns?: number }
  return {
    width: columns ?? plainWidth,
    colours: isTTY === true && !process.env['NO_COLOR'],
  }
}
