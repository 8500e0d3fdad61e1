/** What a plugin says at start: what it loaded. */
import type { Configuration, Part } from '../decision/configuration.js'

export function describePart(
  part: Part,
  { acceptedDomains, directories, connectors }: Configuration,
  gatewayId: () => string,
): string {
  const names = directories?.directories.map(({ name }) => name).join(', ') ?? 'none'
  switch (part) {
    case 'accepted-domains': {
      const list = (type: string): string =>
        acceptedDomains?.domains
          .filter((domain) => (domain.observe ? 'observe' : domain.type) === type)
          .map(({ space }) => space.name)
          .join(', ') || 'none'
      const types = ['authoritative', 'shared', 'relay', 'observe']
      return `${types.map((type) => `${type}: ${list(type)}`).join('; ')}; directories: ${names}`
    }
    case 'contacts':
      return `contacts are followed in directories: ${names}`
    case 'connectors': {
      const each = [...(connectors?.connectors.values() ?? [])].map(
        ({ name, addressSpaces }) => `${name} (${addressSpaces.map((s) => s.name).join(', ')})`,
      )
      return `connectors: ${each.join('; ') || 'none'}; gateway id ${gatewayId()}`
    }
  }
}
