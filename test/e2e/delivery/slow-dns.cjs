/**
 * Loaded into a test's Haraka by `node --require`: DNS that knows one host, until the file named by
 * TEST_DNS_FAULT is there. Then two minutes have passed, and each question takes 4 s and fails.
 */
const { existsSync } = require('node:fs')
const { promises: dns } = require('node:dns')
const { performance } = require('node:perf_hooks')
const { setTimeout: sleep } = require('node:timers/promises')

const faulty = () => existsSync(process.env.TEST_DNS_FAULT)
const answer = async (value) => {
  if (!faulty()) return value
  await sleep(4000)
  throw Object.assign(new Error('queryMx ESERVFAIL'), { code: 'ESERVFAIL' })
}
dns.Resolver.prototype.resolveMx = (domain) => answer([{ exchange: `mx.${domain}`, priority: 10 }])
const { lookup } = dns
dns.lookup = (host, options) =>
  host.startsWith('mx.') ? answer([{ address: '127.0.0.2', family: 4 }]) : lookup(host, options)

const later = () => (faulty() ? 120_000 : 0)
const { now } = Date
Date.now = () => now() + later()
const monotonic = performance.now.bind(performance)
performance.now = () => monotonic() + later()
