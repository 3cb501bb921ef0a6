/**
 * What upstreams are told, and what of it a client may not say itself.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'

const PIPELINE = ['src/extauthz/pipeline.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/extauthz/allowed.ts',
    find: '    ...route.contributions.headers,\n',
    replace: '',
    tests: ['src/upstream/idp-tokens.test.ts', 'src/extauthz/authorizer.test.ts'],
    breaks: 'a token of the client’s choice reaches an app that takes it for ours',
  },
  {
    file: 'src/upstream/contributors.ts',
    find: '      if (refused !== undefined) return refused\n',
    replace: '',
    tests: PIPELINE,
    breaks: 'an app that needs a token gets requests without one',
  },
  {
    file: 'src/upstream/contributors.ts',
    find: 'if (goodUntil !== undefined) telling.goodUntil = Math.min(telling.goodUntil, goodUntil)',
    replace: '',
    tests: ['src/upstream/idp-tokens.test.ts', 'src/extauthz/platform-token.test.ts'],
    breaks: 'an app gets a token that has ended',
  },
  {
    file: 'src/upstream/request-headers.ts',
    find: '            continue\n',
    replace: '            telling.set(header, headerText(template.render(values)))\n',
    tests: ['src/upstream/idp-tokens.test.ts'],
    breaks: 'an empty header passes for a token',
  },
]
