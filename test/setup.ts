/**
 * Before all tests: a run that is told to end goes by way of `exit`, where every started server is
 * killed and every folder removed. (Ctrl-C is mocha's own.)
 */
for (const signal of ['SIGTERM', 'SIGHUP']) process.once(signal, () => process.exit(1))
