/**
 * Load and smart hosts: Postfix's own `smtp-source` and `smtp-sink`, one connection a message.
 */
import { join } from 'node:path'

import { freePort } from '../../plugins/stage/free-port.js'
import { run, ServerProcess } from '../servers/process.js'

/** A smart host that takes everything and keeps nothing. */
export class Sink {
  readonly host: string
  readonly port: number
  private readonly process: ServerProcess

  private constructor(host: string, port: number, process: ServerProcess) {
    this.host = host
    this.port = port
    this.process = process
  }

  /** As a smart host is written. */
  get smartHost(): string {
    return `[${this.host}]:${this.port}`
  }

  static async start(host: string): Promise<Sink> {
    const port = await freePort(host)
    const asUser = process.getuid?.() === 0 ? ['-u', 'nobody'] : []
    const sink = new ServerProcess('/usr/sbin/smtp-sink', [...asUser, `${host}:${port}`, '1024'])
    await sink.listening(port, host)
    return new Sink(host, port, sink)
  }

  stop(): Promise<void> {
    return this.process.stop()
  }
}

/** A host of sink-process.ts: with CHUNKING or without, here or at a distance. */
export class DistantSink {
  readonly smartHost: string
  private readonly process: ServerProcess

  private constructor(smartHost: string, process: ServerProcess) {
    this.smartHost = smartHost
    this.process = process
  }

  /** `distance` in milliseconds, there and back */
  static async start(options: { chunking: boolean; distance: number }): Promise<DistantSink> {
    const host = '127.0.0.9'
    const port = await freePort(host)
    const sink = new ServerProcess(process.execPath, [
      '--import',
      'tsx',
      join(__dirname, 'sink-process.ts'),
      host,
      String(port),
      ...(options.chunking ? ['--chunking'] : []),
      '--distance',
      String(options.distance),
    ])
    await sink.listening(port, host)
    return new DistantSink(`[${host}]:${port}`, sink)
  }

  stop(): Promise<void> {
    return this.process.stop()
  }
}

export interface Load {
  readonly messages: number
  /** connections at a time */
  readonly clients: number
  /** octets of the message */
  readonly octets: number
  /** a recipient's address; each gets a number in front, from 1 up */
  readonly to: string
  /** recipients a message */
  readonly recipients?: number
}

/** The arguments of `smtp-source` for a load on 127.0.0.1. */
export function sourceArguments(load: Load, port: number): string[] {
  const { clients, messages, octets, recipients = 1, to } = load
  const numbers = { s: clients, m: messages, l: octets, r: recipients }
  const flags = Object.entries(numbers).flatMap(([flag, value]) => [`-${flag}`, String(value)])
  return [...flags, '-4', '-N', '-f', 'sender@client.example', '-t', to, `127.0.0.1:${port}`]
}

/** Sends the load and answers when the last message was accepted. Throws if one was not. */
export async function sendLoad(load: Load, port: number): Promise<void> {
  await run('/usr/sbin/smtp-source', sourceArguments(load, port))
}
