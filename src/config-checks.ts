/**
 * What a configuration must pass before it is served: the same for all commands that read one.
 *
 * @module
 */
import type { LoadOptions } from './config/load.ts'
import { routeChooser } from './config/route-match.ts'
import { policyMistakes } from './policy/config-check.ts'
import { failedPolicyTests } from './policy/policy-tests.ts'

/** Without the tests: for whoever runs them itself. */
export const CHECKS = { checks: [policyMistakes] } satisfies LoadOptions

export const CHECKS_AND_TESTS = {
  ...CHECKS,
  tests: (config) => failedPolicyTests(config, routeChooser),
} satisfies LoadOptions
