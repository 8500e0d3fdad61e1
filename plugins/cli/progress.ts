/** A line that shows that work goes on: with the seconds on a terminal, plain elsewhere. */
export class Progress {
  private readonly timer: NodeJS.Timeout | undefined

  constructor(text: string) {
    if (!process.stdout.isTTY) {
      console.log(`${text} …`)
      return
    }
    const started = Date.now()
    const show = (): void => {
      process.stdout.write(`\r${text} … ${Math.floor((Date.now() - started) / 1000)} s `)
    }
    show()
    this.timer = setInterval(show, 1000)
    this.timer.unref()
  }

  /** Takes the line away again. */
  end(): void {
    if (!this.timer) return
    clearInterval(this.timer)
    process.stdout.write('\r\u001b[K')
  }
}
