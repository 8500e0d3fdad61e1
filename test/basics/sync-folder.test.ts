import assert from 'node:assert/strict'
import { mkdtemp, mkdir, readdir, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

import { syncFolder } from '../../plugins/basics/sync-folder.js'

describe('syncing a folder', () => {
  let folder: string

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'sync-'))
  })

  afterEach(() => rm(folder, { recursive: true, force: true }))

  it('serves all who ask at once and in turn, and leaves nothing open', async () => {
    const asked = Array.from({ length: 50 }, () => syncFolder(folder))
    const later = sleep(1).then(() => syncFolder(folder))
    await Promise.all([...asked, later])
    await syncFolder(folder)
    await sleep(20)
    assert.equal(await timesOpen(folder), 0)
  })

  it('rejects for all who wait when the folder is not there, and works when it is', async () => {
    const missing = join(folder, 'queue')
    const asked = await Promise.allSettled([syncFolder(missing), syncFolder(missing)])
    assert.deepEqual(
      asked.map(({ status }) => status),
      ['rejected', 'rejected'],
    )
    await mkdir(missing)
    await syncFolder(missing)
  })
})

async function timesOpen(folder: string): Promise<number> {
  const files = await readdir('/proc/self/fd')
  const paths = await Promise.all(
    files.map((fd) => readlink(`/proc/self/fd/${fd}`).catch(() => '')),
  )
  return paths.filter((path) => path === folder).length
}
