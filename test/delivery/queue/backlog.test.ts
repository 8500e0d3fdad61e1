import assert from 'node:assert/strict'

import { Backlog } from '../../../plugins/delivery/queue/backlog.js'

describe('what waits for hosts', () => {
  const add = (backlog: Backlog, place: string, names: string, ...hosts: string[]): void => {
    for (const name of names) backlog.add({ name, place, group: place, hosts })
  }
  const take = (backlog: Backlog, host: string): string => {
    let taken = ''
    for (let name = backlog.next(host); name !== undefined; name = backlog.next(host)) taken += name
    return taken
  }

  it('in the order that it came', () => {
    const backlog = new Backlog()
    add(backlog, 'unix', 'abc', 'h')
    assert.equal(take(backlog, 'h'), 'abc')
    assert.equal(backlog.size, 0)
    assert.equal(take(backlog, 'h'), '')
  })

  it('places that share a host take turns', () => {
    const backlog = new Backlog()
    add(backlog, 'unix', 'abcd', 'h')
    add(backlog, 'lab', 'xy', 'h')
    assert.equal(take(backlog, 'h'), 'axbycd')
  })

  it('any host of a group will do', () => {
    const backlog = new Backlog()
    add(backlog, 'unix', 'ab', 'h', 'i')
    add(backlog, 'lab', 'x', 'i')
    assert.deepEqual([...backlog.hosts()].sort(), ['h', 'i'])
    assert.equal(backlog.next('h'), 'a')
    assert.equal(take(backlog, 'i'), 'xb')
  })

  it('where it goes is as it was found out last', () => {
    const backlog = new Backlog()
    add(backlog, 'unix', 'a', 'old')
    add(backlog, 'unix', 'b', 'new')
    assert.equal(backlog.next('old'), undefined)
    assert.equal(take(backlog, 'new'), 'ab')
  })

  it('what is held waits for no host', () => {
    const backlog = new Backlog()
    add(backlog, 'unix', 'ab')
    assert.deepEqual([...backlog.hosts()], [])
    assert.deepEqual([...backlog.counts()], [['unix', 2]])
    assert.equal(backlog.isOf('a', 'unix'), true)
    assert.equal(backlog.remove('a'), true)
    assert.equal(backlog.remove('a'), false)
    assert.equal(backlog.isOf('a', 'unix'), false)
  })

  it('20,000 of them cost little', () => {
    const backlog = new Backlog()
    for (let at = 0; at < 20_000; at++) {
      backlog.add({ name: `entry ${at}`, place: 'unix', group: 'unix', hosts: ['h'] })
    }
    for (let at = 0; at < 20_000; at++) assert.equal(backlog.next('h'), `entry ${at}`)
  })
})
