/**
 * The page of a running gateway in a real browser: its numbers beside an independent count while mail
 * flows, a host fails and a directory goes away; and what is clicked is done.
 */
import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, renameSync } from 'node:fs'
import { join } from 'node:path'

import type { Browser, Page } from 'puppeteer-core'

import { Catcher, sampleMessage, send } from '../../harness/haraka.js'
import { keepPicture, openBrowser, showAs } from '../../harness/browser.js'
import { describeWithServers } from '../../servers.js'
import { makeSite, metricsOf, startSite, token, until, viewOf, type Site } from './site.js'

describeWithServers(['chromium'], 'the page of a running gateway', function () {
  this.timeout(120_000)
  let browser: Browser
  let page: Page
  let unix: Catcher
  let corp: Catcher
  let site: Site
  const sent = { 'example.com': 0, 'example.local': 0, refused: 0 }

  before(async () => {
    browser = await openBrowser()
    unix = await Catcher.start({ host: '127.0.0.2' })
    corp = await Catcher.start({ host: '127.0.0.3', protocol: 'lmtp' })
    site = await makeSite(unix, {
      nodes: 2,
      config: {
        'directory.ini': `[corp]\nurl = file:contacts.csv\nmailbox_host = ${corp.smartHost}\n`,
      },
    })
    await startSite(site)
    page = await browser.newPage()
    await showAs(page, { width: 1280, scheme: 'light' })
  })
  after(async () => {
    await browser?.close()
    await site?.gateway.stop()
    await unix?.stop()
    await corp?.stop()
  })

  async function mail(to: string, times: number): Promise<void> {
    const domain = to.split('@')[1] as 'example.com' | 'example.local'
    for (let count = 0; count < times; count++) {
      const from = 'a@client.example'
      const data = sampleMessage({ from, to: [to] })
      const outcome = await send(site.gateway, { from, to: [to], data })
      if (outcome.rcpt[0]?.code === 250) sent[domain] += 1
      else sent.refused += 1
    }
  }

  /** A figure of the summary, by the words under it. */
  async function figure(words: string): Promise<number> {
    const text = await page.evaluate(
      `[...document.querySelectorAll('#summary .figures div')]
        .find((one) => one.textContent.includes(${JSON.stringify(words)}))?.querySelector('dd').textContent`,
    )
    return Number(String(text).replaceAll(',', ''))
  }

  /** The number in a box of the map, by its title. */
  async function onMap(title: string): Promise<number> {
    const text = await page.evaluate(
      `[...document.querySelectorAll('.map .node')]
        .find((one) => one.querySelector('.node-title').textContent === ${JSON.stringify(title)})
        ?.querySelector('.node-figure')?.textContent`,
    )
    return Number(String(text).replaceAll(',', ''))
  }

  async function shows(words: string | RegExp): Promise<void> {
    await until(
      async () => {
        await page.goto(site.url)
        return await page.$eval('main', (main) => main.textContent ?? '')
      },
      (text) => (typeof words === 'string' ? text.includes(words) : words.test(text)),
    )
  }

  it('shows what was really sent and what really arrived', async () => {
    await mail('olga@example.com', 7)
    await mail('anna@example.local', 5)
    await mail('nobody@example.local', 3)
    await unix.waitFor(7)
    await corp.waitFor(5)
    await until(
      () => viewOf(site),
      ({ places }) => places.reduce((all, { recent }) => all + recent.delivered, 0) === 12,
    )
    await page.goto(site.url)
    assert.equal(await figure('delivered'), unix.messages.length + corp.messages.length)
    assert.equal(await figure('waiting'), 0)
    assert.equal(await onMap('example.com'), sent['example.com'])
    assert.equal(await onMap('example.local'), sent['example.local'])
    assert.equal(await onMap('corp'), 5)
    assert.equal(await onMap('in no directory'), 7)
    assert.equal(await onMap('connector unix'), unix.messages.length)
    assert.equal(await onMap('mailboxes of corp'), corp.messages.length)
    const text = await page.$eval('main', (main) => main.textContent ?? '')
    assert.ok(text.includes(`authoritative · ${sent.refused} refused`), text)
    assert.match(text, /Mail flows, nothing is wrong/u)
    const metrics = await metricsOf(site)
    const delivered = (place: string) =>
      metrics.get(`address_space_delivery_recipients_total{place="${place}",outcome="delivered"}`)
    assert.equal(delivered('connector:unix'), 7)
    assert.equal(delivered('mailbox-host:corp'), 5)
    await keepPicture(page, 'running-well')
  })

  it('shows a host that fails, and what waits for it, as it stands on disk', async () => {
    await unix.stop()
    await mail('olga@example.com', 4)
    await shows('no host can be reached')
    const queued = await site.gateway.queue()
    assert.equal(queued.length, 4)
    await until(
      async () => {
        await page.goto(site.url)
        return await figure('waiting')
      },
      (waiting) => waiting === 4,
    )
    const row = await page.$eval('#queue tbody tr', (one) => one.textContent ?? '')
    assert.match(row, /connector unix/u)
    assert.match(row, /ECONNREFUSED|refused/iu)
    await keepPicture(page, 'running-host-down')
  })

  it('signs in; pauses, resumes and retries by clicks; and says who did it', async () => {
    await page.goto(site.url)
    await page.click('.session > summary')
    await page.type('.session input[name="token"]', token)
    await Promise.all([page.waitForNavigation(), page.click('.session button')])
    await page.waitForSelector('form.actions')

    await page.select('form.actions select[name="place"]', 'connector:unix')
    await page.type('form.actions input[name="reason"]', 'their server moves')
    await Promise.all([page.waitForNavigation(), page.click('form.actions button[value="pause"]')])
    await shows('paused: their server moves')
    await unix.start()
    await mail('walter@example.com', 1)
    await until(
      () => viewOf(site),
      ({ places }) => places.some(({ waiting }) => waiting.messages === 5),
    )
    assert.equal(unix.messages.length, 7, 'nothing goes out while it is paused')

    await page.goto(site.url)
    await keepPicture(page, 'running-paused')
    await Promise.all([page.waitForNavigation(), page.click('#queue tbody button[value="resume"]')])
    await unix.waitFor(12, 60_000)
    await shows('Nothing waits, and nothing is paused.')

    await unix.stop()
    await mail('olga@example.com', 1)
    await until(
      () => site.gateway.queue(),
      (queue) => queue.length === 1,
    )
    // once the host is back the message may be gone before the page is read
    await shows(/connector:unix/u)
    await page.waitForSelector('#queue tbody button[value="retry"]')
    await Promise.all([page.waitForNavigation(), page.click('#queue tbody button[value="retry"]')])
    await unix.start()
    await unix.waitFor(13, 60_000)

    const log = site.gateway.log
    for (const did of ['paused', 'resumed', 'retried']) {
      assert.match(
        log,
        new RegExp(`connector:unix is ${did} by the status page, from 127\\.0\\.0\\.1`, 'u'),
      )
    }
    const day = new Date().toISOString().slice(0, 10)
    const lines = await until(
      () =>
        Promise.resolve(readFileSync(join(site.gateway.dir, 'journal', `${day}.ndjson`), 'utf8')),
      (text) => text.includes('"resumed"'),
    )
    assert.match(
      lines,
      /"kind":"paused".*"place":"connector:unix","by":"status page, from 127\.0\.0\.1"/u,
    )
  })

  it('tells the story of a message, and explains an address', async () => {
    const [message] = unix.messages
    const id = /^Message-ID: <([^>]*)>/imu.exec(message?.raw.toString() ?? '')?.[1] ?? ''
    await page.goto(site.url)
    await page.type('#what', id)
    await Promise.all([page.waitForNavigation(), page.click('form[action="/trace"] button')])
    const story = await page.$eval('main', (main) => main.textContent ?? '')
    assert.ok(story.includes(id), story)
    assert.match(story, /received[^]*delivered/u)

    await page.type('#address', 'nobody@example.local')
    await Promise.all([page.waitForNavigation(), page.click('form[action="/explain"] button')])
    assert.match(await page.$eval('main', (main) => main.textContent ?? ''), /550\s+5\.1\.1/u)
  })

  it('shows a directory that goes away, and what the client heard', async () => {
    const file = join(site.gateway.configDir, 'contacts.csv')
    mkdirSync(join(site.gateway.configDir, 'away'), { recursive: true })
    renameSync(file, join(site.gateway.configDir, 'away', 'contacts.csv'))
    await shows(/directory corp/u)
    await shows(/the version before stays in use/u)
    await keepPicture(page, 'running-directory-away')
    renameSync(join(site.gateway.configDir, 'away', 'contacts.csv'), file)
    await shows('nothing is wrong')
  })
})
