/** An entry just written is what Haraka itself makes of its file, and its file is not opened for it. */
import assert from 'node:assert/strict'
import { once, type EventEmitter } from 'node:events'
import { createRequire } from 'node:module'
import { unlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { Address } from '@haraka/email-address'

import type { HarakaOutbound, QueueItem, QueueTodo } from '../../plugins/haraka/outbound.js'
import { headOf } from '../../plugins/haraka/queue-file.js'
import { writtenItem } from '../../plugins/haraka/written-item.js'
import { tempDir } from '../harness/temp.js'

const haraka = createRequire(__filename)
const name = '1_1_0_1_x_1_host'
const todo: QueueTodo = {
  queue_time: 1000,
  domain: 'b.example',
  rcpt_to: [new Address('<b@b.example>'), new Address('<"ö c"@b.example>')],
  mail_from: new Address('<>'),
  notes: { address_space: { version: 1, lists: '' } },
  uuid: 'U.1',
  force_tls: false,
}
const message = 'Subject: x\r\n\r\ntext\r\n'

describe('an entry that was just written', () => {
  const HMailItem = haraka('haraka/outbound/hmail') as HarakaOutbound['HMailItem']
  const outbound = { HMailItem } as HarakaOutbound
  const ready = async (item: QueueItem): Promise<QueueItem> => {
    await once(item as unknown as EventEmitter, 'ready')
    return item
  }
  const seen = (item: QueueItem): unknown => {
    const { filename, path, num_failures: failures, file_size: size, data_start: start } = item
    const { mail_from: from, rcpt_to: to, notes, ...others } = item.todo
    assert.ok([from, ...to].every((one) => one.constructor === from.constructor))
    return {
      file: [filename, path, failures, size, start],
      others,
      addresses: [from, ...to].map((one) => [one.original, one.user, one.host]),
      notes: JSON.stringify(notes),
    }
  }

  it('is what Haraka reads from the file', async () => {
    const path = join(tempDir('written-item'), name)
    const head = headOf(todo)
    writeFileSync(path, Buffer.concat([head, Buffer.from(message)]))
    const read = await ready(new HMailItem(name, path, todo.notes))
    unlinkSync(path)
    const size = head.length + message.length
    const written = await ready(
      writtenItem(outbound, { name, path, notes: todo.notes, head, size }),
    )
    assert.deepEqual(seen(written), seen(read))
    assert.ok(written instanceof HMailItem)
  })

  it('reads the file where Haraka makes its items otherwise', () => {
    const Other = class {
      readonly values: readonly unknown[]
      constructor(...values: unknown[]) {
        this.values = values
      }
    }
    const other = { HMailItem: Other } as unknown as HarakaOutbound
    const file = { name, path: '/x', notes: {}, head: Buffer.alloc(0), size: 0 }
    const { values } = writtenItem(other, file) as unknown as InstanceType<typeof Other>
    assert.deepEqual(values, [name, '/x', {}])
  })
})
