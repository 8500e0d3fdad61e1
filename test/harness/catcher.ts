/** The catchers of the staged MX are the tests' own. */
export * from '../../plugins/stage/catcher.js'
