/**
 * Progress of long work, on stderr: a bar that is drawn over on a terminal, a plain line now and then
 * elsewhere. Work that ends within a moment shows nothing.
 */
const width = 24
// milliseconds
const quiet = 1000
const redraw = 100
const plainInterval = 10_000

export class ProgressBar {
  private readonly text: string
  private readonly started = Date.now()
  private shown = 0
  private drawn = false

  constructor(text: string) {
    this.text = text
  }

  /** `share`: 0 to 1, or undefined where the end is not known; `detail`: such as a count. */
  at(share: number | undefined, detail = ''): void {
    const now = Date.now()
    const { isTTY } = process.stderr
    if (now - this.started < quiet || now - this.shown < (isTTY ? redraw : plainInterval)) return
    this.shown = now
    const percent = share === undefined ? '' : `${Math.floor(share * 100)} % `
    if (!isTTY) {
      console.error(`${this.text}: ${percent}${detail}`.trimEnd())
      return
    }
    const full = Math.round((share ?? 0) * width)
    const bar = share === undefined ? '' : `${'█'.repeat(full)}${'░'.repeat(width - full)} `
    process.stderr.write(`\r\u001b[K${this.text} ${bar}${percent}${detail}`)
    this.drawn = true
  }

  /** Takes the bar away again. */
  end(): void {
    if (this.drawn) process.stderr.write('\r\u001b[K')
    this.drawn = false
  }
}
