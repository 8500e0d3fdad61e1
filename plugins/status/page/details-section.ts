/** Everything in full: for who wants to know it exactly. Closed until it is opened. */
import { formatDuration } from '../../config/units.js'
import { formatOctets } from '../problems.js'
import type { DirectoryView, DomainView, PlaceView, StatusView } from '../view.js'
import { hostCondition, hostText } from './flow-map.js'
import { html, type Html } from './html.js'
import { badge, table } from './table.js'
import { ago, count, placeTitle, plural } from './words.js'

export function details(view: StatusView): Html {
  const { at } = view
  return html`<section id="details" aria-labelledby="details-title" data-live>
    <h2 id="details-title">In full</h2>
    <details data-remember="domains">
      <summary>Accepted domains (${view.domains.length})</summary>
      ${table(
        'Accepted domains',
        ['Domain', 'Type', 'What no directory knows', 'Accepted', 'Not accepted'],
        view.domains.map((domain) => domainCells(domain, view)),
      )}
    </details>
    <details data-remember="directories">
      <summary>Directories (${view.directories.length})</summary>
      ${table(
        'Directories',
        ['Directory', 'State', 'Source', 'Entries', 'As of', 'From memory', 'Asked', 'Errors'],
        view.directories.map((one) => directoryCells(one, at)),
      )}
    </details>
    <details data-remember="hosts">
      <summary>Ways out and hosts (${view.places.length})</summary>
      ${table(
        'Ways out and their hosts',
        ['Way out', 'Serves', 'Host', 'State', 'Delivered', 'Deferred', 'Refused'],
        view.places.flatMap((place) => hostRows(place, at)),
      )}
    </details>
    <details data-remember="gateway">
      <summary>This gateway</summary>
      ${gateway(view)}
    </details>
  </section>`
}

function domainCells({ name, type, connector }: DomainView, { flows }: StatusView): Html[] {
  const own = flows.filter(({ domain }) => domain === name)
  const total = (accepted: boolean): number =>
    own.reduce((all, flow) => all + ((flow.place !== '') === accepted ? flow.count : 0), 0)
  return [
    html`${name}`,
    html`${type}`,
    html`${connector === undefined ? 'is refused' : `connector ${connector}`}`,
    html`${count(total(true))}`,
    html`${count(total(false))}`,
  ]
}

function directoryCells(one: DirectoryView, at: number): Html[] {
  return [
    html`${one.name}`,
    html`${badge(one.condition)} ${one.trouble}`,
    html`<code>${one.source}</code>`,
    html`${one.entries === undefined ? '–' : count(one.entries)}`,
    one.asOf === undefined ? html`–` : ago(one.asOf, at),
    html`${count(one.lookups.hits + one.lookups.stale)}`,
    html`${count(one.lookups.misses)}`,
    html`${count(one.lookups.errors)}`,
  ]
}

function hostRows(place: PlaceView, at: number): (readonly Html[])[] {
  const { spaces, hosts, recent } = place
  const head = [html`${placeTitle(place)}`, html`${spaces.join(', ') || '–'}`]
  const tail = [recent.delivered, recent.deferred, recent.refused].map((n) => html`${count(n)}`)
  const blank = html`<span class="quiet">same</span>`
  if (hosts.length === 0) return [[...head, html`the recipient's MX`, html`–`, ...tail]]
  return hosts.map((host, index) => [
    ...(index === 0 ? head : [blank, blank]),
    html`<code>${host.host}</code>`,
    html`${badge(hostCondition(host))}
    ${hostText(host, at)}${host.reason !== '' && html`<br />${host.reason}`}`,
    ...(index === 0 ? tail : [blank, blank, blank]),
  ])
}

function gateway(view: StatusView): Html {
  const { processes, configuration, disk, journal, peers, certificates, at, kept } = view
  const rows: [string, Html][] = [
    ['Name', html`${view.gateway}`],
    ['Version', html`haraka-plugin-address-space ${view.version}`],
    [
      'Processes',
      html`${processes.answering} of ${processes.expected} answer; started
      ${ago(processes.started, at)}`,
    ],
    ['Configuration', html`in force since ${ago(configuration.since, at)}`],
    ['New mail', view.draining ? html`drained ${ago(view.draining.since, at)}` : html`welcome`],
    ...(disk
      ? [
          [
            'Disk of the queue',
            html`${formatOctets(disk.free)} of ${formatOctets(disk.size)} free; no new mail below
            ${formatOctets(disk.floor)}`,
          ] satisfies [string, Html],
        ]
      : []),
    ['Kept for you', html`${plural(kept, 'message')} that can go to nobody`],
    [
      'Journal',
      html`${journal.on ? 'written' : 'off: no [journal] in address-space.ini'}${journal.dropped > 0 && html`, ${plural(journal.dropped, 'line')} lost`}`,
    ],
    ...certificates.map(({ where, notAfter }): [string, Html] => [
      `Certificate of ${where}`,
      html`${notAfter > at ? `good for ${formatDuration(notAfter - at)}` : 'has ended'}`,
    ]),
    ...(peers.length > 0
      ? [
          [
            'Other gateways',
            html`${peers.map((url) => html`<a href="${url}/">${url}</a> `)}`,
          ] satisfies [string, Html],
        ]
      : []),
  ]
  return html`<dl class="rows">
    ${rows.map(
      ([name, value]) =>
        html`<div>
          <dt>${name}</dt>
          <dd>${value}</dd>
        </div>`,
    )}
  </dl>`
}
