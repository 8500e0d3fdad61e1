/**
 * The page in a real browser, from views of gateways that do not run: empty, small and large, light and
 * dark, on a phone and wide, with and without JavaScript.
 */
import assert from 'node:assert/strict'

import type { Browser, Page } from 'puppeteer-core'

import { freePort } from '../../../plugins/stage/free-port.js'
import { readAssets } from '../../../plugins/status/assets.js'
import { HttpServer } from '../../../plugins/status/http-server.js'
import { flowMap } from '../../../plugins/status/page/flow-map.js'
import { statusPage } from '../../../plugins/status/page/page.js'
import type { StatusView } from '../../../plugins/status/view.js'
import { accessibilityFaults, keepPicture, openBrowser, showAs } from '../../harness/browser.js'
import { describeWithServers } from '../../servers.js'
import { emptyView, largeView, now, place, sampleView, view } from '../../status/sample-view.js'

const views = { empty: emptyView, sample: sampleView, large: largeView }

describeWithServers(['chromium'], 'the status page in a browser', function () {
  this.timeout(120_000)
  let browser: Browser
  let page: Page
  let server: HttpServer
  let url: string
  let shown: StatusView = sampleView
  let session: 'in' | 'out' = 'in'

  before(async () => {
    browser = await openBrowser()
    const port = await freePort('127.0.0.1')
    const assets = readAssets()
    const quiet = (): void => undefined
    const log = { debug: quiet, info: quiet, notice: quiet, warn: quiet, error: quiet, crit: quiet }
    server = new HttpServer({ kind: 'port', host: '127.0.0.1', port }, log, ({ url: path }) => {
      const asset = assets.get(path)
      if (asset) return Promise.resolve({ status: 200, ...asset })
      const { text } = statusPage(shown, { session, traces: true })
      return Promise.resolve({ status: 200, type: 'text/html', body: text })
    })
    await server.start()
    url = `http://127.0.0.1:${port}/`
  })
  after(async () => {
    await browser?.close()
    server?.close()
  })
  beforeEach(async () => {
    session = 'in'
    page = await browser.newPage()
    await page.setBypassCSP(false)
  })
  afterEach(() => page.close())

  for (const [name, one] of Object.entries(views)) {
    for (const width of [360, 1280]) {
      for (const scheme of ['light', 'dark'] as const) {
        it(`${name}, ${width} px, ${scheme}: nothing sticks out, axe-core finds nothing`, async () => {
          shown = one
          await showAs(page, { width, scheme })
          const complaints: string[] = []
          page.on('console', (message) => complaints.push(message.text()))
          await page.goto(url)
          await keepPicture(page, `status-${name}-${width}-${scheme}`)
          const wide = await page.evaluate('document.documentElement.scrollWidth')
          assert.ok(Number(wide) <= width, `the page is ${String(wide)} px wide`)
          assert.deepEqual(await accessibilityFaults(page), [])
          await page.evaluate(
            'document.querySelectorAll("details").forEach((one) => { one.open = true })',
          )
          const opened = await page.evaluate('document.documentElement.scrollWidth')
          assert.ok(Number(opened) <= width, `opened, the page is ${String(opened)} px wide`)
          assert.deepEqual(await accessibilityFaults(page), [])
          assert.deepEqual(complaints, [])
        })
      }
    }
  }

  it('keeps every text of the map inside its box', async () => {
    for (const one of [sampleView, largeView]) {
      shown = one
      await showAs(page, { width: 1280, scheme: 'light' })
      await page.goto(url)
      const outside =
        await page.evaluate(`[...document.querySelectorAll('.map .node')].flatMap((node) => {
        const box = node.querySelector('rect').getBoundingClientRect()
        return [...node.querySelectorAll('text')]
          .filter((text) => text.getBoundingClientRect().right > box.right + 1)
          .map((text) => text.textContent)
      })`)
      assert.deepEqual(outside, [])
    }
  })

  it('says the same without JavaScript', async () => {
    shown = sampleView
    await page.setJavaScriptEnabled(false)
    await showAs(page, { width: 1280, scheme: 'light' })
    await page.goto(url)
    const text = await page.$eval('main', (main) => main.textContent)
    for (const words of ['1 thing is wrong', 'connector unix', '7 min', 'move of the remote site'])
      assert.ok(text?.includes(words), words)
    assert.equal(await page.$eval('#renewal a', (link) => link.getAttribute('href')), '/')
  })

  it('renews itself, keeps open what is open, and leaves a form alone that is filled in', async () => {
    shown = sampleView
    await showAs(page, { width: 1280, scheme: 'light' })
    await page.goto(url)
    await page.click('details[data-remember="hosts"] > summary')
    await page.type('input[name="reason"]', 'maintenance')
    await page.focus('#address')
    shown = view({
      places: [place('connector:unix', { waiting: { messages: 77, recipients: 80, oldest: now } })],
    })
    await page.waitForFunction(`document.querySelector('#queue').textContent.includes('77')`, {
      timeout: 30_000,
    })
    assert.ok(await page.$('details[data-remember="hosts"][open]'))
    assert.equal(await page.evaluate('document.activeElement.id'), 'address')

    shown = sampleView
    await page.waitForFunction(`document.querySelector('#queue').textContent.includes('unix')`)
    await page.focus('input[name="reason"]')
    await page.type('input[name="reason"]', ' again')
    shown = view({
      places: [place('connector:unix', { recent: { delivered: 5, deferred: 0, refused: 0 } })],
    })
    await page.waitForFunction(`document.querySelector('#summary').textContent.includes('5')`)
    assert.match(
      String(await page.$eval('input[name="reason"]', (input) => input.value)),
      /again$/u,
    )
  })

  it('is reached by the keyboard alone, in the order that it is read', async () => {
    shown = sampleView
    session = 'out'
    await showAs(page, { width: 1280, scheme: 'light' })
    await page.goto(url)
    const reached: string[] = []
    for (let key = 0; key < 12; key++) {
      await page.keyboard.press('Tab')
      reached.push(
        String(
          await page.evaluate(
            '(document.activeElement.textContent || document.activeElement.name || "").trim()',
          ),
        ),
      )
    }
    assert.deepEqual(reached.slice(0, 7), [
      'Skip to the content',
      'gateway.example',
      'Sign in to act',
      'address',
      'Explain',
      'what',
      'Trace',
    ])
  })

  it('shows of 200 domains and 50 connectors those with trouble first, and none twice', () => {
    const { columns, edges } = flowMap(largeView)
    for (const nodes of columns) {
      assert.ok(nodes.length <= 14)
      assert.equal(new Set(nodes.map(({ id }) => id)).size, nodes.length)
    }
    const titles = columns.flat().map(({ title }) => title)
    for (const ill of ['asia-pacific', 'connector site-17', 'mx1.site-17.example:25']) {
      assert.ok(titles.includes(ill), ill)
    }
    const ids = new Set(columns.flat().map(({ id }) => id))
    for (const { from, to } of edges) assert.ok(ids.has(from) && ids.has(to))
  })
})
