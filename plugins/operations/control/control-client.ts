/**
 * Asks the running gateway through its control socket. `undefined`: no gateway runs (no socket, or
 * nobody behind it). A gateway that does not answer in time, refuses, or that we may not ask is an
 * Error, which says what to do.
 */
import { createConnection, type Socket } from 'node:net'

import { errorText } from '../../basics/error-text.js'
import {
  controlTimes,
  protocolVersion,
  socketPath,
  type ControlAnswer,
  type ControlRequest,
} from './protocol.js'

/** The result, as the gateway gave it. */
export async function askGateway(
  folder: string,
  request: ControlRequest,
  progress: (done: number, of: number) => void = () => undefined,
): Promise<unknown> {
  const socket = await connect(folder)
  if (!socket) return undefined
  try {
    socket.write(`${JSON.stringify({ version: protocolVersion, ...request })}\n`)
    for await (const line of linesOf(socket)) {
      const answer = JSON.parse(line) as ControlAnswer
      if ('progress' in answer) progress(...answer.progress)
      else if (answer.ok) return answer.result ?? null
      else throw new Error(answer.error)
    }
    throw new Error('the gateway ended before it had answered')
  } finally {
    socket.destroy()
  }
}

async function connect(folder: string): Promise<Socket | undefined> {
  let way
  try {
    way = socketPath(folder)
  } catch (error) {
    return refusal(error, folder)
  }
  const socket = createConnection(way.path)
  socket.setTimeout(controlTimes.answer, () => {
    socket.destroy(new Error(`the gateway did not answer within ${controlTimes.answer / 1000} s`))
  })
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve)
      socket.once('error', reject)
    })
    return socket
  } catch (error) {
    socket.destroy()
    return refusal(error, folder)
  } finally {
    way.close()
  }
}

function refusal(error: unknown, folder: string): undefined {
  const { code } = error as NodeJS.ErrnoException
  if (code === 'ENOENT' || code === 'ECONNREFUSED' || code === 'ENOTDIR') return undefined
  if (code === 'EACCES' || code === 'EPERM') {
    throw new Error(
      `${folder}: only root and the user that Haraka runs as may ask the gateway; run the command as one of them`,
      { cause: error },
    )
  }
  throw new Error(`the gateway cannot be asked: ${errorText(error)}`, { cause: error })
}

async function* linesOf(socket: Socket): AsyncGenerator<string> {
  let rest = ''
  socket.setEncoding('utf8')
  for await (const chunk of socket) {
    const lines = (rest + String(chunk)).split('\n')
    rest = lines.pop() ?? ''
    yield* lines
  }
}
