/**
 * The results as a picture: for each scenario a bar a gateway, seconds, each scenario on a scale of its
 * own. A red bar: not everything had arrived when the measurement ended. Pure.
 */
import type { GatewayName } from './gateways.js'
import type { Measured } from './report.js'

const left = 130
const width = 760
const most = width - left - 200
const barHeight = 16
const step = barHeight + 4
const top = 60
const gap = 40
const colours: Record<GatewayName, string> = {
  pack: '#2f6f9f',
  'pack, nodes=2': '#86aeca',
  Postfix: '#c58b4e',
}
const failed = '#b3372f'

export function toSvg(measured: readonly Measured[]): string {
  let y = top
  const parts = measured.flatMap(({ title, about, results }) => {
    const longest = Math.max(...results.map(({ seconds }) => seconds), 0.001)
    const heading = words(12, y + 4, `${title}: ${about}`, ' font-weight="bold"')
    y += 14
    const bars = results.flatMap(({ gateway, seconds, arrived, expected }) => {
      const long = Math.max(2, (seconds / longest) * most)
      const fill = arrived < expected ? failed : colours[gateway]
      const label = `${seconds.toFixed(seconds < 10 ? 2 : 0)} s, ${arrived} of ${expected}`
      const bar = [
        words(left - 10, y + 13, gateway, ' text-anchor="end"'),
        `<rect x="${left}" y="${y}" width="${long.toFixed(1)}" height="${barHeight}" fill="${fill}"/>`,
        words(left + long + 6, y + 13, label),
      ]
      y += step
      return bar
    })
    y += gap
    return [heading, ...bars]
  })
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" width="${width}" height="${y}" font-family="sans-serif" font-size="13">
<title>Congestion: the pack and Postfix before hosts that are slow, full, strict or away</title>
<rect width="${width}" height="${y}" fill="#fff"/>
${words(12, 22, 'Hosts that are slow, full, strict or away', ' font-size="16" font-weight="bold"')}
${words(12, 40, 'seconds: the shorter, the better; red: not everything had arrived at the end')}
${parts.join('\n')}
</svg>
`
}

function words(x: number, y: number, text: string, more = ''): string {
  return `<text x="${x.toFixed(0)}" y="${y}" fill="#222"${more}>${text}</text>`
}
