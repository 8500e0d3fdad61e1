/**
 * Renews the parts of the status page that carry `data-live`, every five seconds while somebody looks.
 * The page can be read without this. What the reader has opened stays open, and a form that he is
 * filling in is left alone.
 */
const every = 5000
const renewal = document.getElementById('renewal')

async function renew() {
  if (document.hidden) return
  let text
  try {
    const answer = await fetch('/', { headers: { accept: 'text/html' }, cache: 'no-store' })
    if (!answer.ok) throw new Error(String(answer.status))
    text = await answer.text()
  } catch {
    tell('The gateway does not answer; what you see is old.')
    return
  }
  const fresh = new DOMParser().parseFromString(text, 'text/html')
  for (const part of document.querySelectorAll('[data-live]')) {
    const next = fresh.getElementById(part.id)
    if (next) replace(part, next)
  }
  tell('Renewed every 5 seconds.')
}

function replace(part, next) {
  if (part.contains(document.activeElement) && document.activeElement.matches('input, select'))
    return
  for (const details of part.querySelectorAll('details[open]')) {
    const same = next.querySelector(`details[data-remember="${details.dataset.remember}"]`)
    if (same) same.open = true
  }
  // a form keeps what was typed: the old one goes into the new part
  const form = part.querySelector('form[data-keep]')
  const fresh = next.querySelector('form[data-keep]')
  const sameChoices = form && fresh && options(form) === options(fresh)
  const focus = focusPath(part)
  if (part.innerHTML === next.innerHTML) return
  part.replaceWith(document.adoptNode(next))
  if (sameChoices) fresh.replaceWith(form)
  if (focus) document.querySelector(focus)?.focus()
}

function options(form) {
  return [...form.querySelectorAll('option')].map((option) => option.value).join('\n')
}

/** Where the keyboard is, if the part is going to be replaced under it. */
function focusPath(part) {
  const details = part.contains(document.activeElement) && document.activeElement.closest('details')
  return details ? `details[data-remember="${details.dataset.remember}"] > summary` : undefined
}

function tell(words) {
  if (renewal && renewal.textContent !== words) renewal.textContent = words
}

setInterval(() => void renew(), every)
