/** What waits, place by place; and, for who has signed in, what can be done about it. */
import type { PlaceView, StatusView } from '../view.js'
import { placeCondition } from './flow-map.js'
import { html, type Html } from './html.js'
import { badge, table } from './table.js'
import { age, ahead, count, placeTitle } from './words.js'

/** `acting`: the reader has signed in. */
export function queue(view: StatusView, acting: boolean): Html {
  const busy = view.places.filter(({ waiting, paused }) => waiting.messages > 0 || paused)
  const heads = ['Place', 'Messages', 'Recipients', 'Oldest', 'Next try', 'State', 'Last words']
  return html`<section id="queue" aria-labelledby="queue-title" data-live>
    <h2 id="queue-title">Queue</h2>
    ${
      busy.length === 0
        ? html`<p>Nothing waits, and nothing is paused.</p>`
        : table(
            'What waits, by where it goes',
            acting ? [...heads, 'Do'] : heads,
            busy.map((place) => [
              ...queueCells(place, view.at),
              ...(acting ? [placeActions(place)] : []),
            ]),
          )
    }
    ${acting ? pauseForm(view.places) : signInHint()}
  </section>`
}

function queueCells(place: PlaceView, at: number): readonly Html[] {
  const { waiting, paused, lastReply, key } = place
  const end =
    paused?.until === undefined ? html`, until resumed` : html`, ends ${ahead(paused.until, at)}`
  return [
    html`<strong>${placeTitle(place)}</strong><br /><code>${key}</code>`,
    html`${count(waiting.messages)}`,
    html`${count(waiting.recipients)}`,
    waiting.oldest === undefined ? html`–` : age(waiting.oldest, at),
    paused || waiting.nextTry === undefined ? html`–` : ahead(waiting.nextTry, at),
    paused
      ? html`${badge('attention', 'paused')} <span>${paused.reason}${end}</span>`
      : stateBadge(place),
    html`${lastReply === '' ? '–' : lastReply}`,
  ]
}

function stateBadge(place: PlaceView): Html {
  const condition = placeCondition(place)
  switch (condition) {
    case 'trouble':
      return badge(condition, 'no host answers')
    case 'attention':
      return badge(condition, 'not all hosts answer')
    case 'well':
    case 'unknown':
      return badge(condition)
  }
}

function placeActions(place: PlaceView): Html {
  const { paused, key } = place
  const what = paused ? 'resume' : 'retry'
  const label = paused ? 'Resume' : 'Try now'
  return html`<form method="post" action="/queue">
    <input type="hidden" name="place" value="${key}" />
    <button name="do" value="${what}" aria-label="${label}: ${placeTitle(place)}">${label}</button>
  </form>`
}

function pauseForm(places: readonly PlaceView[]): Html {
  const choices = places.map(
    (place) => html`<option value="${place.key}">${placeTitle(place)}</option>`,
  )
  return html`<form class="actions" method="post" action="/queue" data-keep>
    <h3>Hold mail back</h3>
    <label
      >Place
      <select name="place">
        ${choices}
      </select></label
    >
    <label>Reason <input name="reason" required maxlength="200" autocomplete="off" /></label>
    <label>
      For
      <select name="for">
        <option value="30m">30 minutes</option>
        <option value="2h" selected>2 hours</option>
        <option value="12h">12 hours</option>
        <option value="">until resumed</option>
      </select>
    </label>
    <button name="do" value="pause">Pause</button>
  </form>`
}

function signInHint(): Html {
  return html`<p class="quiet">
    To retry, pause and resume from here, sign in with the token. The command
    <code>address-space queue</code> does the same.
  </p>`
}
