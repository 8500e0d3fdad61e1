/**
 * The whole page, and the pages around it. The server makes all of it; status.js only renews the
 * sections that carry `data-live`.
 */
import type { StatusView } from '../view.js'
import { html, nothing, type Html } from './html.js'
import { details } from './details-section.js'
import { queue } from './queue-section.js'
import { flow, problems, summary, tools } from './sections.js'

export interface Reader {
  /** `none`: the gateway has no token, so nobody can act from here */
  readonly session: 'none' | 'out' | 'in'
  /** messages can be traced */
  readonly traces: boolean
  /** what the last action did, to be told once */
  readonly told?: string
}

export function statusPage(view: StatusView, reader: Reader): Html {
  const body = html`${reader.told !== undefined && html`<p class="told" role="status">${reader.told}</p>`}
  ${summary(view)} ${problems(view)} ${flow(view)} ${queue(view, reader.session === 'in')}
  ${tools(reader.traces)} ${details(view)}`
  return frame(view.gateway, reader, body, true)
}

/** An answer to a question, under a heading, with the questions again below. */
export function answerPage(gateway: string, reader: Reader, title: string, answer: Html): Html {
  const body = html`<p><a href="/">Back to the status of ${gateway}</a></p>
    <section aria-labelledby="answer-title">
      <h2 id="answer-title">${title}</h2>
      ${answer}
    </section>
    ${tools(reader.traces)}`
  return frame(gateway, reader, body, false)
}

/** For who comes from elsewhere without a token: it tells nothing. */
export function signInPage(refused: boolean): Html {
  return document(
    'Sign in',
    html`<main class="sign-in">
      <h1>Sign in</h1>
      ${refused && html`<p role="alert">That is not the token.</p>`}
      <form method="post" action="/session">
        <label
          >Token <input type="password" name="token" required autocomplete="current-password"
        /></label>
        <button>Sign in</button>
      </form>
    </main>`,
    false,
  )
}

export function errorPage(title: string, text: string): Html {
  return document(
    title,
    html`<main class="sign-in">
      <h1>${title}</h1>
      <p>${text}</p>
      <p><a href="/">Back to the status</a></p>
    </main>`,
    false,
  )
}

function frame(gateway: string, reader: Reader, body: Html, live: boolean): Html {
  return document(
    `${gateway}: mail status`,
    html`<a class="skip" href="#main">Skip to the content</a>
      <header>
        <h1><a href="/">${gateway}</a></h1>
        ${sessionForms(reader)}
      </header>
      <main id="main">${body}</main>
      <footer class="quiet">
        ${live && html`<p id="renewal"><a href="/">Refresh</a></p>`}
        <p>
          <a href="/metrics">Metrics</a> · <a href="/healthz/ready">Ready?</a> ·
          haraka-plugin-address-space
        </p>
      </footer>`,
    live,
  )
}

function sessionForms({ session }: Reader): Html {
  switch (session) {
    case 'none':
      return nothing
    case 'in':
      return html`<form method="post" action="/session/end">
        <span class="quiet">signed in</span> <button>Sign out</button>
      </form>`
    case 'out':
      return html`<details class="session">
        <summary>Sign in to act</summary>
        <form method="post" action="/session">
          <label
            >Token <input type="password" name="token" required autocomplete="current-password"
          /></label>
          <button>Sign in</button>
        </form>
      </details>`
  }
}

function document(title: string, body: Html, live: boolean): Html {
  return html`<!doctype html>
    <html lang="en">
      <head>
        <meta charset="utf-8" />
        <meta name="viewport" content="width=device-width, initial-scale=1" />
        <meta name="color-scheme" content="light dark" />
        <meta name="robots" content="noindex" />
        <title>${title}</title>
        <link rel="icon" href="data:," />
        <link rel="stylesheet" href="/status.css" />
        ${live && html`<script src="/status.js" defer></script>`}
      </head>
      <body>
        ${body}
      </body>
    </html> `
}
