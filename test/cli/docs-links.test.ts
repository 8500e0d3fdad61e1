/** Every link between the documents leads somewhere: in the repository, and in the built package. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

import { buildIfStale, dist } from '../../scripts/build.js'

const root = join(__dirname, '..', '..')
// for those who work on the sources
const notShipped = ['CONTRIBUTING.md']

function deadLinks(folder: string, except: readonly string[]): string[] {
  const documents = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter(
    (name) => name.endsWith('.md') && !/node_modules|^dist|^\./u.test(name),
  )
  return documents.flatMap((name) => {
    const text = readFileSync(join(folder, name), 'utf8')
    return [...text.matchAll(/\]\((?!https?:)([^)#]+)/gu)]
      .map(([, link = '']) => link)
      .filter((link) => !except.includes(link) && !existsSync(join(folder, dirname(name), link)))
      .map((link) => `${name}: ${link}`)
  })
}

describe('links between the documents', function () {
  this.timeout(30_000)
  before(buildIfStale)

  it('in the repository', () => assert.deepEqual(deadLinks(root, []), []))
  it('in the package', () => assert.deepEqual(deadLinks(dist, notShipped), []))
})
