/**
 * Makes docs/status.png, the picture of the status page: from the running sample, nothing drawn. The
 * sample's messages are sent, then one system goes away and another is held back, as on an ordinary
 * bad day. Needs Debian's chromium.
 */
import { join } from 'node:path'

import { launch } from 'puppeteer-core'

import { sampleMessages } from '../plugins/stage/sample.js'
import { sendSample } from '../plugins/stage/send-sample.js'
import { sampleMessage, send } from '../plugins/stage/smtp-client.js'
import { StagedMx } from '../plugins/stage/staged-mx.js'
import { buildIfStale, dist, root } from './build.js'
import { installServer } from './servers/debian.js'

const remote = 'connector:remote'
const unix = 'connector:unix'

async function main(): Promise<void> {
  await installServer('chromium')
  await buildIfStale()
  const stage = await StagedMx.start({
    configDir: join(dist, 'sample-config'),
    packageDir: dist,
    harakaFrom: [root],
    port: 0,
    statusPort: 0,
  })
  try {
    for await (const section of sendSample(stage, sampleMessages)) console.log(section.title)
    await badDay(stage)
    await takePicture(stage, join(root, 'docs', 'status'))
  } finally {
    await stage.stop()
  }
}

async function badDay(stage: StagedMx): Promise<void> {
  await act(stage, {
    do: 'pause',
    place: remote,
    reason: 'remote site moves its server',
    for: '2h',
  })
  await stage.catchers.get(unix)?.stop()
  const mail = [
    ...Array.from({ length: 9 }, () => 'anna@example.local'),
    ...Array.from({ length: 4 }, () => 'walter@example.com'),
    ...Array.from({ length: 3 }, () => 'internetuser@xo.one'),
    'nobody@example.local',
  ]
  for (const address of mail) {
    const from = 'stranger@elsewhere.example'
    await send(stage.gateway, { from, to: [address], data: sampleMessage({ from, to: [address] }) })
  }
}

async function act({ status }: StagedMx, form: Record<string, string>): Promise<void> {
  const url = `http://127.0.0.1:${status.port}`
  const response = await fetch(`${url}/queue`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { Origin: url, Authorization: `Bearer ${status.token}` },
    redirect: 'manual',
  })
  if (response.status !== 303) throw new Error(`expected 303, got ${response.status}`)
}

async function takePicture({ status }: StagedMx, path: string): Promise<void> {
  const browser = await launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    await page.setViewport({ width: 1200, height: 900 })
    const url = `http://127.0.0.1:${status.port}/`
    // what has been queued is counted a moment later
    await page.goto(url)
    await page.waitForFunction(`document.querySelector('#queue tbody tr')`, { timeout: 30_000 })
    await page.screenshot({ path: `${path}.png`, fullPage: true })
    console.log(`${path}.png`)
  } finally {
    await browser.close()
  }
}

main().catch((error: unknown) => {
  console.error(error)
  process.exitCode = 1
})
