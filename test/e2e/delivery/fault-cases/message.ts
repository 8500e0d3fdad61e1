/** Hosts that fail in the message and after it. */
import { all, queued, someRefused, type Case } from './case.js'

export const messageFaults: Readonly<Record<string, Case>> = {
  'DATA 4xx': { script: { data: '451 4.3.0 no room' }, hears: /^450 4\.3\.0 no room/u },
  'DATA 5xx': { script: { data: '554 5.6.0 no mail' }, hears: /^550 5\.6\.0 no mail/u },
  'DATA closed': { script: { data: 'close' }, hears: queued, queued: ['ok'] },
  'closes in the middle of the message': {
    script: { body: { after: 1000, step: 'close' } },
    hears: queued,
    queued: ['ok'],
  },
  'refuses in the middle of the message': {
    script: { body: { after: 1000, step: '552 5.3.4 too big' } },
    size: 16_000_000,
    hears: /^550 5\.3\.4 too big/u,
  },
  'reads no further in the middle of the message': {
    script: { body: { after: 1000, step: 'silent' } },
    // more than the sockets' buffers hold
    size: 16_000_000,
    hears: queued,
    queued: ['ok'],
  },
  '4xx after the dot': { script: { dot: '451 4.3.0 try again' }, hears: /^450 4\.3\.0 try again/u },
  '5xx after the dot': { script: { dot: '554 5.7.1 spam' }, hears: /^550 5\.7\.1 spam/u },
  '5xx after the dot, some RCPT deferred': {
    script: { ...someRefused, dot: '554 5.7.1 spam' },
    to: all,
    hears: queued,
    queued: ['later'],
    reported: ['ok', 'no'],
  },
  '4xx after the dot, some RCPT refused': {
    script: { ...someRefused, dot: '451 4.3.0 try again' },
    to: all,
    hears: queued,
    queued: ['ok', 'later'],
    reported: ['no'],
  },
  'closes after the dot': { script: { dot: 'close' }, hears: queued, queued: ['ok'], twice: true },
  'silent after the dot': { script: { dot: 'silent' }, hears: queued, queued: ['ok'], twice: true },
  'garbage after the dot': {
    script: { dot: { raw: '<html>\r\n' } },
    hears: queued,
    queued: ['ok'],
    twice: true,
  },
  '64 KB after the dot': {
    script: { dot: { raw: `250 ${'y'.repeat(65_536)}` } },
    hears: queued,
    queued: ['ok'],
    twice: true,
  },
  'drips after the dot': {
    script: { dot: { drip: `250 ${'z'.repeat(60)}`, every: 1000 } },
    hears: queued,
    queued: ['ok'],
    twice: true,
  },
  'LMTP, each recipient its own answer': {
    lmtp: true,
    script: {
      lmtpDot: (address) =>
        address.startsWith('no@')
          ? '552 5.2.2 mailbox full'
          : address.startsWith('later@')
            ? '450 4.2.0 locked'
            : undefined,
    },
    to: all,
    hears: /^250 /u,
    delivered: ['ok'],
    queued: ['later'],
    reported: ['no'],
  },
  'LMTP, closes after the first answer': {
    lmtp: true,
    script: { lmtpDot: (address) => (address.startsWith('ok@') ? undefined : 'close') },
    to: ['ok', 'later'],
    hears: /^250 /u,
    delivered: ['ok'],
    queued: ['later'],
    twice: true,
  },
}
