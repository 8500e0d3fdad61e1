/** What the parts of the pack need from the program around them: Haraka, or the command line. */
export interface Log {
  debug(message: string): void
  info(message: string): void
  notice(message: string): void
  warn(message: string): void
  error(message: string): void
  crit(message: string): void
}

export interface Environment {
  /** absolute path of the install's `config/`; names of files in the configuration start there */
  readonly configDir: string
  readonly log: Log
}
