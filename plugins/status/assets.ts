/** The style and the script of the page, read once; they stand beside this file in the package. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'

export type Assets = ReadonlyMap<string, { readonly type: string; readonly body: string }>

export function readAssets(): Assets {
  const read = (name: string): string => readFileSync(join(__dirname, 'assets', name), 'utf8')
  return new Map([
    ['/status.css', { type: 'text/css', body: read('status.css') }],
    ['/status.js', { type: 'text/javascript', body: read('status.js') }],
  ])
}
