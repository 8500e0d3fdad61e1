import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'

import { keepBody, keptBody } from '../../plugins/haraka/received-body.js'
import type { HarakaMessageStream } from '../../plugins/haraka/haraka.js'

type Stream = HarakaMessageStream & { add_line_end(): void }

// the one that Haraka itself uses
const fromHaraka = createRequire(createRequire(__filename).resolve('haraka/package.json'))
const MessageStream = fromHaraka('haraka-message-stream') as new (
  config: object,
  id: string,
) => Stream

/** A stream whose body is kept, with the lines of a message in chunks of received octets. */
function receive(chunks: readonly Buffer[]): Stream {
  const stream = new MessageStream({ main: {} }, 'received-body')
  keepBody(stream)
  for (const chunk of chunks) addLines(stream, chunk)
  stream.add_line_end()
  return stream
}

function addLines(stream: Stream, chunk: Buffer): void {
  for (let from = 0; from < chunk.length;) {
    const end = chunk.indexOf('\n', from) + 1
    stream.add_line(chunk.subarray(from, end))
    from = end
  }
}

async function bodyFromHaraka(stream: Stream): Promise<Buffer> {
  const octets = stream.pipe(new PassThrough(), { dot_stuffed: false, skip_headers: true })
  const chunks: Buffer[] = []
  for await (const chunk of octets) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks)
}

const header = Buffer.from('Subject: test\r\nX: 1\r\n\r\n')
const lines = (count: number, text: string): Buffer => Buffer.from(`${text}\r\n`.repeat(count))

describe('the body as it was received', () => {
  const messages: [string, Buffer[]][] = [
    ['one chunk', [Buffer.concat([header, lines(3, 'a line'), lines(1, '..dots')])]],
    ['chunks', [header, lines(700, 'the first'), lines(700, '\xe4\xf6 the second')]],
    ['empty lines and boundaries', [header, lines(2, ''), lines(2, '--b'), lines(1, '--b--')]],
    ['no body', [header]],
  ]
  for (const [name, chunks] of messages) {
    it(`${name}: the same octets as Haraka's own stream`, async () => {
      const stream = receive(chunks)
      const body = keptBody(stream)
      assert.ok(body)
      assert.deepEqual(Buffer.concat(body), await bodyFromHaraka(stream))
    })
  }

  it('lines that follow each other in memory are one piece', () => {
    const pieces = keptBody(receive([Buffer.concat([header, lines(500, 'a line')]), lines(9, 'b')]))
    assert.deepEqual(
      pieces?.map(({ length }) => length),
      [500 * 8, 9 * 3],
    )
  })

  it('is not kept when it is large', () => {
    assert.equal(keptBody(receive([header, lines(70_000, 'a line of text')])), undefined)
  })

  it('is not kept when it came in very many pieces', () => {
    // a buffer each, so that none follows another in memory
    const chunks = Array.from({ length: 1500 }, () => Buffer.from('x\r\n'))
    assert.equal(keptBody(receive([header, ...chunks])), undefined)
  })

  it('is not kept when the stream was not watched from its beginning', () => {
    const stream = new MessageStream({ main: {} }, 'received-body')
    addLines(stream, header)
    keepBody(stream)
    addLines(stream, lines(3, 'a line'))
    assert.equal(keptBody(stream), undefined)
  })

  it('is not kept when a line went past it', () => {
    const stream = receive([header, lines(3, 'a line')])
    const own = Object.getPrototypeOf(stream) as Stream
    own.add_line.call(stream, Buffer.from('unseen\r\n'))
    assert.equal(keptBody(stream), undefined)
  })
})
