/** The sections of the status page that say how it is. Each stands alone, so that it can be renewed. */
import type { StatusView } from '../view.js'
import { flowMap } from './flow-map.js'
import { html, withCode, type Html } from './html.js'
import { mapSvg } from './map-svg.js'
import { badge } from './table.js'
import { clock, count, plural } from './words.js'

export function summary(view: StatusView): Html {
  const wrong = view.problems.filter(({ kind }) => kind === 'wrong').length
  const notes = view.problems.length - wrong
  const waiting = view.places.reduce((all, place) => all + place.waiting.messages, 0)
  const recent = (outcome: 'delivered' | 'deferred' | 'refused'): number =>
    view.places.reduce((all, place) => all + place.recent[outcome], 0)
  const verdict =
    wrong > 0
      ? html`<p class="verdict trouble">
          ${plural(wrong, 'thing')} ${wrong === 1 ? 'is' : 'are'} wrong
        </p>`
      : notes > 0
        ? html`<p class="verdict attention">Mail flows; ${plural(notes, 'thing')} to know</p>`
        : html`<p class="verdict well">Mail flows, nothing is wrong</p>`
  return html`<section id="summary" aria-label="Summary" data-live>
    ${verdict}
    <dl class="figures">
      <div>
        <dt>delivered in 5 min</dt>
        <dd>${count(recent('delivered'))}</dd>
      </div>
      <div>
        <dt>deferred in 5 min</dt>
        <dd>${count(recent('deferred'))}</dd>
      </div>
      <div>
        <dt>refused by hosts in 5 min</dt>
        <dd>${count(recent('refused'))}</dd>
      </div>
      <div>
        <dt>messages waiting</dt>
        <dd>${count(waiting)}</dd>
      </div>
    </dl>
    <p class="quiet">
      As of <time datetime="${new Date(view.at).toISOString()}">${clock(view.at)}</time>.
    </p>
  </section>`
}

export function problems({ problems: list }: StatusView): Html {
  if (list.length === 0) return html`<section id="problems" data-live hidden></section>`
  return html`<section id="problems" aria-labelledby="problems-title" data-live>
    <h2 id="problems-title">Problems</h2>
    <ul class="problems">
      ${list.map(
        ({ kind, where, what, why, todo }) =>
          html`<li class="${kind}">
            <h3>
              ${badge(kind === 'wrong' ? 'trouble' : 'attention', kind === 'wrong' ? 'wrong' : 'note')}
              ${where}
            </h3>
            <p>${withCode(what)}</p>
            <dl>
              ${
                why !== undefined &&
                html`<dt>Why it matters</dt>
                  <dd>${withCode(why)}</dd>`
              }
              ${
                todo !== undefined &&
                html`<dt>What to do</dt>
                  <dd>${withCode(todo)}</dd>`
              }
            </dl>
          </li>`,
      )}
    </ul>
  </section>`
}

export function flow(view: StatusView): Html {
  const map = flowMap(view)
  const names = ['Accepted domains', 'Directories', 'Ways out', 'Hosts']
  return html`<section id="flow" aria-labelledby="flow-title" data-live>
    <h2 id="flow-title">Mail flow</h2>
    <p class="quiet">
      Recipients of the last 5 minutes. A domain's addresses are looked up in the directories; each
      leads to a way out and its hosts.
    </p>
    ${
      view.domains.length + view.places.length === 0
        ? html`<p>
            No part of the pack is enabled in <code>config/plugins</code> beside this page.
          </p>`
        : html`${mapSvg(map)}
            <div class="flow-list">
              ${map.columns.map(
                (nodes, column) =>
                  html`<h3>${names[column]}</h3>
                    <ul>
                      ${nodes.length === 0 ? html`<li>none</li>` : ''}
                      ${nodes.map(
                        ({ title, detail, condition, figure }) =>
                          html`<li>
                            ${badge(condition)} <strong>${title}</strong>
                            <span class="quiet"
                              >${detail}${figure !== undefined && html`: ${count(figure)}`}</span
                            >
                          </li>`,
                      )}
                    </ul>`,
              )}
            </div>`
    }
  </section>`
}

/** `traces`: there is a journal. */
export function tools(traces: boolean): Html {
  return html`<section id="tools" class="tools" aria-label="Ask">
    <form action="/explain" method="get">
      <h2><label for="address">Explain an address</label></h2>
      <p class="quiet">What would be decided for it, step by step. Nothing is sent.</p>
      ${askBox('address', 320, 'anna@example.com', 'Explain')}
    </form>
    ${traces && traceForm()}
  </section>`
}

function traceForm(): Html {
  return html`<form action="/trace" method="get">
    <h2><label for="what">Trace a message</label></h2>
    <p class="quiet">By Message-ID, transaction, queue id of the next host, or address.</p>
    ${askBox('what', 998, '4711.abc@client.example', 'Trace')}
  </form>`
}

function askBox(name: string, most: number, example: string, button: string): Html {
  return html`<div class="ask">
    <input
      id="${name}"
      name="${name}"
      required
      maxlength="${most}"
      autocomplete="off"
      spellcheck="false"
      placeholder="${example}"
    />
    <button>${button}</button>
  </div>`
}
