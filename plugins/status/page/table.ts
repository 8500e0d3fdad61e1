/** What several sections use: a table, and a condition as a word with its colour. */
import type { Condition } from '../view.js'
import { html, type Html } from './html.js'

const conditionWords: Readonly<Record<Condition, string>> = {
  well: 'well',
  attention: 'attention',
  trouble: 'trouble',
  unknown: 'not used yet',
}

export function badge(condition: Condition, text: string = conditionWords[condition]): Html {
  return html`<span class="badge ${condition}">${text}</span>`
}

/** A table that becomes a list of cards on a phone; roles keep it a table for screen readers. */
export function table(
  caption: string,
  heads: readonly string[],
  rows: readonly (readonly Html[])[],
): Html {
  if (rows.length === 0) return html`<p class="quiet">None.</p>`
  return html`<table role="table">
    <caption class="unseen">
      ${caption}
    </caption>
    <thead role="rowgroup">
      <tr role="row">
        ${heads.map((head) => html`<th role="columnheader" scope="col">${head}</th>`)}
      </tr>
    </thead>
    <tbody role="rowgroup">
      ${rows.map(
        (cells) =>
          html`<tr role="row">
            ${cells.map((cell, index) => html`<td role="cell" data-head="${heads[index]}"><div>${cell}</div></td>`)}
          </tr>`,
      )}
    </tbody>
  </table>`
}
