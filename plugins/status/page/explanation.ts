/** An explanation of a decision as HTML: the same steps as `address-space explain` prints. */
import { describeVerification } from '../../mail/verification.js'
import { reasonOf } from '../../stage/decision-log.js'
import { lookupText, type Explanation } from '../../decision/explanation.js'
import { html, type Html } from './html.js'
import { badge } from './table.js'

export function explanationHtml(explanation: Explanation): Html {
  const { recipient, client, domain, decision, reply } = explanation
  const accepted = reply.code < 300
  const rows: [string, Html][] = [
    ['Domain', html`${domain ? `${domain.type}: ${domain.space}` : 'in no accepted domain'}`],
    ...explanation.lookups.map((lookup): [string, Html] => ['Lookup', html`${lookupText(lookup)}`]),
    ...(decision.chain
      ? [['Contact', html`${decision.chain.join(' → ')}`] satisfies [string, Html]]
      : []),
    ...explanation.connectors.map(({ connector, space, verdict }): [string, Html] => [
      'Connector',
      html`${connector} (${space}): ${verdict}`,
    ]),
    ...explanation.verified.map(({ connector, answer }): [string, Html] => [
      'Asked',
      html`connector ${connector}: ${describeVerification(answer)}`,
    ]),
    [
      'Decision',
      html`${decision.decision}:
      ${reasonOf({ directory: undefined, chain: [], detail: undefined, ...decision })}`,
    ],
    ...(decision.place === undefined
      ? []
      : [['Goes to', html`<code>${decision.place}</code>`] satisfies [string, Html]]),
    ...(decision.observed
      ? [['Observed', html`authoritative would refuse it`] satisfies [string, Html]]
      : []),
    [
      'Reply',
      html`${badge(accepted ? 'well' : reply.code < 500 ? 'attention' : 'trouble', String(reply.code))}
      ${reply.enhanced} ${reply.text}`,
    ],
  ]
  return html`<div class="answer">
    <p>
      <strong>${recipient}</strong>, from
      ${client.mayRelay ? 'a client that may relay' : 'a stranger'} at ${client.ip}
    </p>
    <dl class="rows">
      ${rows.map(
        ([name, value]) =>
          html`<div>
            <dt>${name}</dt>
            <dd>${value}</dd>
          </div>`,
      )}
    </dl>
  </div>`
}
