#!/usr/bin/env node
/**
 * The program of the package `sallyport-client`: the commands of users alone.
 *
 * @module
 */
import { COMPLETION } from '../commands/completion.ts'
import { VERSION } from '../commands/version.ts'
import { runProgram } from '../run-program.ts'
import { CLIENT_GROUP } from './commands.ts'

void runProgram({
  about: 'use what an identity-aware access proxy protects',
  groups: [CLIENT_GROUP, { heading: 'This program', commands: { completion: COMPLETION, version: VERSION } }],
})
