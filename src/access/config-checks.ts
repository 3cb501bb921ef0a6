/**
 * What a configuration must pass before it is served: the same for all commands that read one.
 *
 * @module
 */

import type { Config } from '../config/config.ts'
import type { LoadOptions } from '../config/file/load.ts'
import { requestTargetOf } from '../config/routing/request-url.ts'
import { type ChooseRoute, routeChooser } from '../config/routing/route-match.ts'
import { readingsOf, unescapePath } from '../policy/matching/path-readings.ts'
import { policyMistakes } from './tests/config-check.ts'
import { failedPolicyTests, type Routing } from './tests/policy-tests.ts'

/** Without the tests: for whoever runs them itself. */
export const CHECKS = { checks: [policyMistakes] } satisfies LoadOptions

/** Which route answers for which request, and which requests none does. */
export const chooserOf = (config: Config): ChooseRoute => routeChooser(config, { readingsOf, unescapePath })

export const ROUTING: Routing = { chooserOf, targetOf: requestTargetOf }

export const CHECKS_AND_TESTS = {
  ...CHECKS,
  tests: (config) => failedPolicyTests(config, ROUTING),
} satisfies LoadOptions
