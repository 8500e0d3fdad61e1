/**
 * What is answered to a request of the status page.
 *
 *   GET   /                 the page              GET  /metrics          for Prometheus
 *   GET   /explain?address= a decision            GET  /healthz/live     the processes answer
 *   GET   /trace?what=      a message's story     GET  /healthz/ready    new mail is welcome
 *   POST  /session, /session/end                  POST /queue            retry, pause, resume
 *
 * Who may not read gets nothing but a form for the token; who may not act, a refusal.
 */
import { bearerToken, cookie, mayRead, ownOrigin, whyNotAct, type Asking } from './access.js'
import { errorText } from '../basics/error-text.js'
import { parseDuration } from '../config/units.js'
import type { Listen } from '../operations/operations-config.js'
import type { Answer, Asked } from './http-server.js'
import type { Assets } from './assets.js'
import type { Html } from './page/html.js'
import { answerPage, errorPage, signInPage, statusPage, type Reader } from './page/page.js'
import type { QueueAction } from './queue-source.js'
import type { Token } from './token.js'
import type { StatusView } from './view.js'

export interface Served {
  readonly gateway: string
  readonly listen: Listen
  readonly token: Token | undefined
  readonly assets: Assets
  look(): Promise<StatusView>
  metrics(): Promise<string>
  explain(address: string): Promise<Html>
  /** there is a journal */
  readonly traces: boolean
  trace(what: string): Promise<Html>
  stories(what: string): Promise<unknown>
  /** what was done, in words */
  act(action: QueueAction, by: string): Promise<string>
}

interface Request {
  readonly method: string
  readonly url: URL
  readonly form: URLSearchParams
  readonly asking: Asking
  readonly session: string | undefined
}

const sessionCookie = 'address_space_status'
const twelveHours = 12 * 3600

export async function answer(served: Served, asked: Asked): Promise<Answer> {
  const request = readRequest(served, asked)
  const { method, url } = request
  if (method === 'POST') return await answerPost(served, request)
  if (method !== 'GET' && method !== 'HEAD') return text(405, 'expected GET, HEAD or POST')
  const asset = served.assets.get(url.pathname)
  if (asset) return { status: 200, ...asset }
  if (!mayRead(request.asking, served.listen)) return refuseReading(served, url.pathname)
  return await answerGet(served, request)
}

function readRequest(served: Served, { method, url, headers, remote, body }: Asked): Request {
  const given = bearerToken(headers)
  const session = cookie(headers, sessionCookie)
  const { token } = served
  const known =
    token !== undefined && (token.isOpen(session) || (given !== undefined && token.isRight(given)))
  return {
    method,
    url: URL.canParse(url, 'http://status')
      ? new URL(url, 'http://status')
      : new URL('http://status/?'),
    form: new URLSearchParams(body),
    asking: { remote, headers, known },
    session,
  }
}

/** Nothing is told: not even which of the paths exist. */
function refuseReading({ token }: Served, path: string): Answer {
  if (!token) return text(403, 'not from here')
  if (path !== '/')
    return { ...text(401, 'a token is needed'), headers: { 'WWW-Authenticate': 'Bearer' } }
  return { ...page(401, signInPage(false)), headers: { 'WWW-Authenticate': 'Bearer' } }
}

async function answerGet(served: Served, request: Request): Promise<Answer> {
  const { url } = request
  const reader = readerOf(served, request)
  const ask = (name: string): string => (url.searchParams.get(name) ?? '').trim()
  switch (url.pathname) {
    case '/':
      return page(200, renderedPage(await served.look(), reader))
    case '/status.json':
      return { status: 200, type: 'application/json', body: JSON.stringify(await served.look()) }
    case '/metrics':
      return { status: 200, type: 'text/plain; version=0.0.4', body: await served.metrics() }
    case '/healthz/live':
    case '/healthz/ready':
      return health(await served.look(), url.pathname === '/healthz/ready')
    case '/explain':
      return await answerTo(served, reader, `Explain ${ask('address')}`, () =>
        served.explain(ask('address')),
      )
    case '/trace':
      return await answerTo(served, reader, `Trace ${ask('what')}`, () => served.trace(ask('what')))
    case '/trace.json':
      return await storiesFor(served, ask('what'))
    default:
      return page(404, errorPage('Not here', 'There is no such page.'))
  }
}

/** A view is rendered once for all who see the same of it. */
const rendered = new WeakMap<StatusView, Map<string, Html>>()

function renderedPage(view: StatusView, reader: Reader): Html {
  if (reader.told !== undefined) return statusPage(view, reader)
  const pages = rendered.get(view) ?? new Map<string, Html>()
  rendered.set(view, pages)
  const key = JSON.stringify(reader)
  const known = pages.get(key) ?? statusPage(view, reader)
  pages.set(key, known)
  return known
}

/** For the other gateways. */
async function storiesFor(served: Served, what: string): Promise<Answer> {
  try {
    const body = JSON.stringify(await served.stories(what))
    return { status: 200, type: 'application/json', body }
  } catch (error) {
    return text(400, errorText(error))
  }
}

async function answerTo(
  { gateway }: Served,
  reader: Reader,
  title: string,
  ask: () => Promise<Html>,
): Promise<Answer> {
  try {
    return page(200, answerPage(gateway, reader, title, await ask()))
  } catch (error) {
    return page(400, errorPage(title, errorText(error)))
  }
}

/** A directory that is down does not count: all gateways would leave the balancer together. */
function health(view: StatusView, ready: boolean): Answer {
  const { processes, disk, draining } = view
  const reasons = [
    ...(processes.answering === 0 ? ['no process answers'] : []),
    ...(ready && draining ? ['drained for maintenance'] : []),
    ...(ready && disk && disk.free < disk.floor ? ['the disk of the queue is full'] : []),
  ]
  return reasons.length === 0 ? text(200, 'ok') : text(503, reasons.join('; '))
}

async function answerPost(served: Served, request: Request): Promise<Answer> {
  const { url, form, asking, session } = request
  const { token } = served
  if (!token) return text(403, 'actions need a token: set token_file in address-space.ini')
  switch (url.pathname) {
    case '/session': {
      if (!ownOrigin(asking.headers)) return text(403, 'sign in from the page itself')
      if (!token.isRight(form.get('token') ?? '')) return page(403, signInPage(true))
      return goTo('/', setCookie(token.open(), asking, twelveHours))
    }
    case '/session/end':
      if (!ownOrigin(asking.headers)) return text(403, 'sign out from the page itself')
      token.close(session)
      return goTo('/', setCookie('', asking, 0))
    case '/queue':
      return await actOnQueue(served, request)
    default:
      return text(404, 'there is no such action')
  }
}

async function actOnQueue(served: Served, { form, asking }: Request): Promise<Answer> {
  const refusal = whyNotAct(asking)
  if (refusal !== undefined) return text(403, refusal)
  try {
    const done = await served.act(
      readAction(form),
      `status page, from ${asking.remote ?? 'the socket'}`,
    )
    return goTo(`/?told=${encodeURIComponent(done)}`)
  } catch (error) {
    return page(400, errorPage('Not done', errorText(error)))
  }
}

function readAction(form: URLSearchParams): QueueAction {
  const place = form.get('place') ?? ''
  if (place === '') throw new Error('expected a place')
  const what = form.get('do')
  if (what === 'retry' || what === 'resume') return { do: what, place }
  if (what !== 'pause') throw new Error('expected retry, pause or resume')
  const reason = (form.get('reason') ?? '').trim()
  if (reason === '') throw new Error('say why its mail is held back: others will see it and wonder')
  const length = form.get('for') ?? ''
  const duration = length === '' ? undefined : parseDuration(length)
  if (length !== '' && duration === undefined) throw new Error('expected a time such as 30m or 2h')
  return {
    do: 'pause',
    place,
    reason: reason.slice(0, 200),
    ...(duration !== undefined && { for: duration }),
  }
}

function readerOf({ token, traces }: Served, { asking, url }: Request): Reader {
  const told = url.searchParams.get('told')
  return {
    session: token ? (asking.known ? 'in' : 'out') : 'none',
    traces,
    ...(told !== null && told.length < 300 && { told }),
  }
}

function setCookie(value: string, { headers }: Asking, seconds: number): Record<string, string> {
  const secure = headers.origin?.startsWith('https:') ? '; Secure' : ''
  const attributes = `HttpOnly; SameSite=Strict; Path=/; Max-Age=${seconds}${secure}`
  return { 'Set-Cookie': `${sessionCookie}=${value}; ${attributes}` }
}

function goTo(location: string, headers: Record<string, string> = {}): Answer {
  return { status: 303, type: 'text/plain', body: '', headers: { Location: location, ...headers } }
}

function page(status: number, content: Html): Answer {
  return { status, type: 'text/html', body: content.text }
}

function text(status: number, words: string): Answer {
  return { status, type: 'text/plain', body: `${words}\n` }
}
