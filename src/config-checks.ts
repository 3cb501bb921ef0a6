/**
 * What a configuration must pass before it is served: the same for all commands that read one.
 *
 * @module
 */
import type { LoadOptions } from './config/load.ts'
import { requestTargetOf } from './config/request-url.ts'
import { routeChooser } from './config/route-match.ts'
import { policyMistakes } from './policy/config-check.ts'
import { failedPolicyTests, type Routing } from './policy/policy-tests.ts'

/** Without the tests: for whoever runs them itself. */
export const CHECKS = { checks: [policyMistakes] } satisfies LoadOptions

export const ROUTING: Routing = { chooserOf: routeChooser, targetOf: requestTargetOf }

export const CHECKS_AND_TESTS = {
  ...CHECKS,
  tests: (config) => failedPolicyTests(config, ROUTING),
} satisfies LoadOptions
