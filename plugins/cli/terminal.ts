/** How output looks: colours and width of a terminal, plain text elsewhere (and with NO_COLOR). */
export interface TerminalStyle {
  readonly width: number
  readonly colours: boolean
}

const plainWidth = 132

export function terminalStyle(): TerminalStyle {
  const { isTTY, columns } = process.stdout
  return { width: isTTY ? columns : plainWidth, colours: isTTY && !process.env['NO_COLOR'] }
}
