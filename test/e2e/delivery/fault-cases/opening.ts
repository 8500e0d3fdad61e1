/** Hosts that fail before it is ready for mail. */
import { queued, type Case } from './case.js'

export const openingFaults: Readonly<Record<string, Case>> = {
  'nothing wrong': { script: {}, hears: /^250 2\.0\.0 taken/u, delivered: ['ok'] },
  'closes before the banner': { script: { banner: 'close' }, hears: queued, queued: ['ok'] },
  'no banner': { script: { banner: 'silent' }, hears: queued, queued: ['ok'] },
  'banner 421': { script: { banner: '421 4.3.2 busy' }, hears: queued, queued: ['ok'] },
  'banner 554': { script: { banner: '554 5.3.2 not you' }, hears: queued, queued: ['ok'] },
  'banner of 64 KB': {
    script: { banner: { raw: 'x'.repeat(65_536) } },
    hears: queued,
    queued: ['ok'],
  },
  'banner is garbage': { script: { banner: { raw: '\0\x01\r\n' } }, hears: queued, queued: ['ok'] },
  'banner in drips': {
    script: { banner: { drip: `220 ${'x'.repeat(60)}`, every: 1000 } },
    hears: queued,
    queued: ['ok'],
  },
  'EHLO and HELO refused': {
    script: { ehlo: '421 4.3.2 closing' },
    hears: queued,
    queued: ['ok'],
  },
  'EHLO unknown, HELO will do': {
    script: { ehlo: '502 5.5.1 what' },
    hears: /^250 /u,
    delivered: ['ok'],
  },
  'EHLO silent': { script: { ehlo: 'silent' }, hears: queued, queued: ['ok'] },
  'closes at EHLO': { script: { ehlo: 'close' }, hears: queued, queued: ['ok'] },
}
