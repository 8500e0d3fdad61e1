/** Mocha's spec reporter, with a last line that scripts read: `120 passed, 0 failed`. */
const { reporters } = require('mocha')

module.exports = class Reporter extends reporters.Spec {
  epilogue() {
    super.epilogue()
    console.log(`${this.stats.passes} passed, ${this.stats.failures} failed`)
  }
}
