/**
 * How far a directory was read: where the next question for changes begins. Pure.
 *
 *   usn   Active Directory and Samba: the number of the last change, which each controller counts for
 *         itself. Asked from the mark before the last one on, as a slow change may get its number before
 *         a quick one that was seen. Another controller: the whole is read.
 *   time  others: the newest modifyTimestamp that was seen. For ten minutes the question begins ten
 *         minutes before it, as a change may be replicated late; then at it.
 *
 * DirSync is not used: with a filter it says nothing of an object that no longer fits it or was deleted, it
 * reads whole naming contexts only, not a global catalog, and needs the right to replicate.
 */
import { AndFilter, EqualityFilter, GreaterThanEqualsFilter, NotFilter, type Filter } from 'ldapts'

export type ChangeMark =
  | {
      readonly kind: 'usn'
      /** the controller that counts */
      readonly server: string
      readonly usn: number
      /** that of the reading before */
      readonly before: number
    }
  | {
      readonly kind: 'time'
      /** RFC 4517 3.3.13, in UTC; empty: none was seen */
      readonly newest: string
      /** time of day in milliseconds when it was first seen */
      readonly seenAt: number
    }

/** milliseconds */
const overlap = 10 * 60_000

/** What is asked for since the mark: what changed and fits the filter, and what changed and does not. */
export function changedSince(
  mark: ChangeMark,
  fits: Filter,
  now: number,
): { readonly set: Filter; readonly unset: Filter } | undefined {
  const since = beginOf(mark, now)
  if (!since) return undefined
  return {
    set: new AndFilter({ filters: [since, fits] }),
    unset: new AndFilter({ filters: [since, new NotFilter({ filter: fits })] }),
  }
}

/** Deleted objects since the mark; undefined where the server does not tell them. */
export function deletedSince(mark: ChangeMark, now: number): Filter | undefined {
  const since = mark.kind === 'usn' ? beginOf(mark, now) : undefined
  const deleted = new EqualityFilter({ attribute: 'isDeleted', value: 'TRUE' })
  return since && new AndFilter({ filters: [deleted, since] })
}

function beginOf(mark: ChangeMark, now: number): Filter | undefined {
  switch (mark.kind) {
    case 'usn':
      return new GreaterThanEqualsFilter({
        attribute: 'uSNChanged',
        value: String(mark.before + 1),
      })
    case 'time': {
      const newest = parseTime(mark.newest)
      if (newest === undefined) return undefined
      const back = Math.min(overlap, Math.max(0, overlap - (now - mark.seenAt)))
      const value = formatTime(newest - back)
      return new GreaterThanEqualsFilter({ attribute: 'modifyTimestamp', value })
    }
  }
}

/** The mark after a reading in which these timestamps were seen. */
export function laterTime(
  mark: ChangeMark & { kind: 'time' },
  seen: string,
  now: number,
): ChangeMark {
  const [last, next] = [parseTime(mark.newest), parseTime(seen)]
  if (next === undefined || (last !== undefined && next <= last)) return mark
  return { kind: 'time', newest: seen, seenAt: now }
}

/** A change may have come behind the page that would have held it, at the very begin of the reading. */
export function afterWhole(mark: ChangeMark, took: number): ChangeMark {
  const newest = mark.kind === 'time' ? parseTime(mark.newest) : undefined
  return newest === undefined || mark.kind === 'usn'
    ? mark
    : { ...mark, newest: formatTime(newest - took) }
}

/** `20261125235230Z` or with a fraction; milliseconds, undefined if it is none. */
function parseTime(text: string): number | undefined {
  const [, ...parts] = /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)(?:[.,]\d+)?Z$/u.exec(text) ?? []
  if (parts.length === 0) return undefined
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = parts.map(Number)
  return Date.UTC(year, month - 1, day, hour, minute, second)
}

function formatTime(time: number): string {
  return `${new Date(time).toISOString().slice(0, 19).replace(/[-:T]/gu, '')}Z`
}
