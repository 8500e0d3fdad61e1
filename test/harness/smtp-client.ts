/** The SMTP client of the staged MX is the tests' own. */
export * from '../../plugins/stage/smtp-client.js'
