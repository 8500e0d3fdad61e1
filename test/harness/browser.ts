/** Debian's chromium, without a window, for pages on loopback. Needs describeWithServers(['chromium']). */
import { mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { launch, type Browser, type Page } from 'puppeteer-core'

const root = join(__dirname, '..', '..')

export function openBrowser(): Promise<Browser> {
  return launch({
    executablePath: '/usr/bin/chromium',
    // as root there is no sandbox; only our own pages are opened
    args: ['--no-sandbox', '--disable-dev-shm-usage', '--force-color-profile=srgb'],
    protocolTimeout: 120_000,
    timeout: 60_000,
  })
}

export interface Shown {
  readonly width: number
  readonly scheme: 'light' | 'dark'
}

/** Sets how the page is shown; it has to be loaded afterwards. */
export async function showAs(page: Page, { width, scheme }: Shown): Promise<void> {
  await page.setViewport({ width, height: 900 })
  await page.emulateMediaFeatures([{ name: 'prefers-color-scheme', value: scheme }])
}

/** A picture of the whole page, kept as an artefact of the test run. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const path = join(root, 'test-artefacts', name)
  mkdirSync(dirname(path), { recursive: true })
  await page.screenshot({ path: `${path}.png`, fullPage: true })
}

interface AxeResult {
  readonly violations: readonly {
    readonly id: string
    readonly impact: string
    readonly nodes: readonly { readonly html: string }[]
  }[]
}

/** What axe-core finds wrong, in its best practices too: a line each. */
export async function accessibilityFaults(page: Page): Promise<string[]> {
  const axe = require.resolve('axe-core/axe.min.js')
  // the page's own policy lets no script in; a debugger's does not ask it
  const { readFileSync } = await import('node:fs')
  await page.evaluate(readFileSync(axe, 'utf8'))
  const result = (await page.evaluate('axe.run(document)')) as AxeResult
  return result.violations.map(
    ({ id, impact, nodes }) => `${impact} ${id}: ${nodes.map(({ html }) => html).join(' | ')}`,
  )
}
