#!/usr/bin/env node
/**
 * The program: all commands, those that run the proxy and those that its users have.
 *
 * @module
 */
import { COMMAND_GROUPS } from './commands.ts'
import { runProgram } from './run-program.ts'

// Not awaited here: the single file is made of CommonJS, which has no await outside of functions.
void runProgram({
  about: 'identity-aware access proxy that drives a stock Envoy',
  groups: COMMAND_GROUPS,
})
