/**
 * Lines by which a path and a method mean one thing to rules, routes and apps.
 *
 * @module
 */
import type { Mutant } from './mutant.ts'

const READINGS = ['src/policy/matching/path-readings.test.ts', 'src/policy/conformance.test.ts']
const GUARD = ['src/config/routing/path-guard.test.ts']
const PIPELINE = ['src/extauthz/pipeline.test.ts']

export const MUTANTS: readonly Mutant[] = [
  {
    file: 'src/policy/matching/path-readings.ts',
    find: 'for (const base of [target, withoutParameters(target)]) {',
    replace: 'for (const base of [target]) {',
    tests: READINGS,
    breaks: 'a parameter before an escape hides what a servlet container reads',
  },
  {
    file: 'src/policy/matching/path-readings.ts',
    find: '  withoutParameters,\n',
    replace: '',
    tests: READINGS,
    breaks: '`/admin;x/users` passes a rule on `/admin/`',
  },
  {
    file: 'src/policy/matching/path-readings.ts',
    find: "return path.replaceAll('\\\\', '/')",
    replace: 'return path',
    tests: READINGS,
    breaks: 'a backslash takes a path past a rule',
  },
  {
    file: 'src/policy/matching/path-readings.ts',
    find: '  joinSlashes,\n  resolveDots,\n  joinSlashes,\n',
    replace: '  resolveDots,\n',
    tests: READINGS,
    breaks: '`//admin` passes a rule on `/admin`',
  },
  {
    file: 'src/policy/matching/path-readings.ts',
    find: "undoEscapes(before.replaceAll(/%(?:25)+(?=(?:u[0-9a-f]{2})?[0-9a-f]{2})/gi, '%'))",
    replace: 'before.replaceAll(/%(?!25)[0-9a-f]{2}/gi, unescapePlain)',
    tests: READINGS,
    breaks: 'an escape within an escape hides a letter from a rule, and a proxy behind us undoes both',
  },
  {
    file: 'src/policy/matching/path-readings.ts',
    find: 'if (path.length > LONGEST) return undefined',
    replace: 'if (path.length > LONGEST) return plain(path)',
    tests: READINGS,
    breaks: 'a long path is judged by its letters alone',
  },
  {
    file: 'src/policy/matching/path-readings.ts',
    find: 'bare.push(text, withoutEscapedQuery(text), trimmed(text))',
    replace: 'bare.push(text, trimmed(text))',
    tests: READINGS,
    breaks: '`/admin%3Fx` passes a rule on `/admin`, and a program that undoes escapes first reads that',
  },
  {
    file: 'src/policy/matching/path-matcher.ts',
    find: "if (readings === undefined && !isAsWritten) return 'unknown'",
    replace: "if (readings === undefined && !isAsWritten) return 'miss'",
    tests: READINGS,
    breaks: 'a path with too many readings escapes each deny rule',
  },
  {
    file: 'src/policy/matching/path-matcher.ts',
    find: 'fits: (path) => path === text,',
    replace: 'fits: (path) => path.startsWith(text),',
    tests: ['src/policy/conformance.test.ts'],
    breaks: 'a rule that allows one path allows all that begin like it',
  },
  {
    file: 'src/policy/matching/path-matcher.ts',
    find: "if (nearlyFits(path)) return 'unknown'",
    replace: '',
    tests: ['src/policy/conformance.test.ts'],
    breaks: '`/admin/` passes a rule on `/admin`, and the app answers both alike',
  },
  {
    file: 'src/policy/matching/path-matcher.ts',
    find: 'if (unescaped === asWritten && !test.isEscaped) return truth',
    replace: 'if (unescaped === asWritten) return truth',
    tests: ['src/policy/conformance.test.ts'],
    breaks: '`/a/b` passes a rule on `/a%2Fb`',
  },
  {
    file: 'src/policy/criteria/request-criteria.ts',
    find: 'if (!METHOD.test(method)) return METHOD_UNKNOWN',
    replace: '',
    tests: ['src/policy/conformance.test.ts'],
    breaks: '`delete` passes a rule on DELETE',
  },
  {
    file: 'src/config/routing/path-guard.ts',
    find: "return hasOtherRoute(readings) ? 'some programs read the path as one of another route' : undefined",
    replace: 'return undefined',
    tests: GUARD,
    breaks: '`/admin;x/users` takes the open route behind that of `/admin/`',
  },
  {
    file: 'src/config/routing/path-guard.ts',
    find: 'if (route.allow_escaped_slashes !== true && /%(?:u00)?2f/i.test(path))',
    replace: 'if (route.prefix === path)',
    tests: GUARD,
    breaks: 'every route takes escaped slashes, since Envoy keeps them',
  },
  {
    file: 'src/config/routing/path-guard.ts',
    find: "return 'the path hides a dot segment'",
    replace: 'return undefined',
    tests: GUARD,
    breaks: 'dots in disguise lead out of a folder that is open',
  },
  {
    file: 'src/config/routing/path-guard.ts',
    find: "if (unescaped === undefined || countDots(made) + countDots(unescaped) > 0)\n    return 'the path has a dot segment when it is rewritten'",
    replace: '    return undefined',
    tests: GUARD,
    breaks: '`/app../admin` becomes `/public/../admin` behind the policy',
  },
  {
    file: 'src/config/routing/path-guard.ts',
    find: 'return isOtherHost || hasMoreEmpty',
    replace: 'return hasMoreEmpty',
    tests: GUARD,
    breaks: 'a rewrite makes a path that browsers take for another host',
  },
  {
    file: 'src/config/routing/route-match.ts',
    find: 'if (readings === undefined) return true',
    replace: 'if (readings === undefined) return false',
    tests: GUARD,
    breaks: 'a path with too many readings takes the first open route',
  },
  {
    file: 'src/config/routing/route-match.ts',
    find: 'unescaped.some((reading) => firstOf(routes, reading, takesUnescaped) !== route)',
    replace: 'false',
    tests: GUARD,
    breaks: '`/%2561dmin/` takes the open route behind that of `/admin/`',
  },
  {
    file: 'src/config/routing/path-rewrite.ts',
    find: "if (prefix.endsWith('/') === replacement.endsWith('/')) return undefined",
    replace: 'if (prefix !== replacement) return undefined',
    tests: [...GUARD, 'test/golden/golden.test.ts'],
    breaks: '`/grafana../x` reaches the app as `/../x`',
  },
  {
    file: 'src/config/keys/settings-rules.ts',
    find: "if (settings.path_with_escaped_slashes_action !== 'UNESCAPE_AND_REDIRECT') return []",
    replace: 'return []',
    tests: ['src/config/keys/settings-rules.test.ts'],
    breaks: '`/%2fevil.example` is an open redirect',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: "return isMethod(request.method) ? undefined : { outcome: 'refuse', reason: 'unknown-method' }",
    replace: 'return undefined',
    tests: PIPELINE,
    breaks: '`delete` reaches an app that takes it for DELETE',
  },
  {
    file: 'src/extauthz/pipeline.ts',
    find: 'return problem === undefined ? undefined : ambiguous(problem)',
    replace: 'return undefined',
    tests: PIPELINE,
    breaks: 'nothing of what a path may hide is refused',
  },
]
