/**
 * The page that tells through which rooms a feature goes, read from the imports.
 *
 * @module
 */
import { matchesGlob } from 'node:path'
import { imports, isOfTests, roomOf, written } from './source-imports.ts'

/**
 * Feature → the files that are nothing but it. What imports one of them is touched by the feature as well.
 */
const FEATURES: Readonly<Record<string, readonly string[]>> = {
  'Additional hosts (`depends_on`)': [
    'src/authenticate/{chain,hand-off}.ts',
    'src/authenticate/steps/{chain,hand-off}.ts',
  ],
  'Apps on Google serverless platforms': ['src/**/*serverless*.ts'],
  'Bearer tokens of people and machines': [
    'src/access/credentials/bearer/*.ts',
    'src/config/keys/credentials/*{bearer,issuers}*.ts',
  ],
  'Client certificates': [
    'src/**/*client-certificate*.ts',
    'src/access/credentials/client-certificate/*.ts',
    'src/crypto/x509/revocation-list.ts',
  ],
  'Decision log and audit': ['src/audit/*.ts', 'src/config/keys/log-fields.ts'],
  'Directories that are pulled': ['src/directory/pull/*.ts'],
  'Directories that are pushed (SCIM)': ['src/directory/scim/*.ts', 'src/directory/pushed-source.ts'],
  'Groups, filtered for the upstream': [
    'src/upstream/{groups-filter,header-budget}.ts',
    'src/identity/groups-claims.ts',
  ],
  'Idle time': ['src/access/idle.ts'],
  'Kubernetes API': ['src/**/{kubernetes,impersonation}.ts'],
  'Lookups: records and places': [
    'src/lookups/*.ts',
    'src/policy/criteria/{record,geoip}-*.ts',
    'src/config/keys/directory/lookup-settings.ts',
  ],
  'Policy language': ['src/policy/{policy-language,judge,shorthand}.ts', 'src/policy/criteria/criteria.ts'],
  'Policy tests': ['src/access/tests/*.ts', 'src/config/keys/policy/*.ts'],
  'Readings of a path': [
    'src/policy/matching/{path-matcher,path-readings}.ts',
    'src/config/routing/path-{guard,rewrite}.ts',
  ],
  'Recent or strong sign-in': [
    'src/access/{step-up,sign-in-age}.ts',
    'src/edge/authentication-requirement.ts',
    'src/authenticate/steps/check-demand.ts',
  ],
  'Service accounts': ['src/**/*service-account*.ts', 'src/access/credentials/service-account/*.ts'],
  'Several identity providers': [
    'src/config/keys/sign-in/{sign-in-providers,resolve-providers}.ts',
    'src/identity/{providers,provider-names}.ts',
    'src/authenticate/steps/choose-provider.ts',
  ],
  'Signed assertion': [
    'src/upstream/{assertion,assertions,identity-headers}.ts',
    'src/crypto/signing-keys.ts',
  ],
  'Sign-in at GitHub': ['src/identity/github/*.ts'],
  'Sign-in by OpenID Connect': ['src/identity/openid/*.ts'],
  'Sign-out': [
    'src/authenticate/sign-out-order.ts',
    'src/authenticate/steps/sign-out.ts',
    'src/session/{sign-out-journal,unwritten-sign-outs}.ts',
    'src/identity/sign-out-hints.ts',
  ],
  'Tokens for the upstream’s own audience': [
    'src/upstream/exchange/*.ts',
    'src/config/keys/upstream/upstream-token.ts',
  ],
  'Tokens of the identity provider': [
    'src/upstream/idp-tokens.ts',
    'src/config/keys/upstream/upstream-identity.ts',
  ],
}

/** Rooms of the page, from the outside to the ground; all others are one column. */
const ROOMS = [
  'cli',
  'xds',
  'extauthz',
  'authenticate',
  'access',
  'upstream',
  'audit',
  'session',
  'directory',
  'lookups',
  'identity',
  'policy',
  'config',
] as const

export function featureMap(): string {
  const rows = Object.entries(FEATURES).map(([feature, globs]) => rowOf(feature, filesOf(feature, globs)))
  return [
    '# Features and rooms',
    '',
    '<!-- Made by `npm run gen:config` from the imports; edit scripts/feature-map.ts, not this page. -->',
    '',
    'How many files of a room are a feature, or import one that is: **bold** where the feature has files of its own. A long row is a feature',
    'that is dear to change. A new column of numbers where there was none is worth a second look.',
    '',
    ['| feature', 'files', ...ROOMS, 'others |'].join(' | '),
    `|---|${'---:|'.repeat(ROOMS.length + 2)}`,
    ...rows,
    '',
  ].join('\n')
}

interface FeatureFiles {
  readonly own: ReadonlySet<string>
  readonly all: ReadonlySet<string>
}

/** @throws {Error} for a pattern that fits no file any more */
function filesOf(feature: string, globs: readonly string[]): FeatureFiles {
  const own = new Set(
    globs.flatMap((glob) => {
      const found = written.filter((path) => matchesGlob(path, glob) && !isOfTests(path))
      if (found.length === 0) throw new Error(`no file is ${glob}, a part of "${feature}"`)
      return found
    }),
  )
  const users = imports.filter(({ target, path }) => own.has(target) && !isOfTests(path))
  return { own, all: new Set([...own, ...users.map(({ path }) => path)]) }
}

const count = (paths: ReadonlySet<string>, isIn: (room: string) => boolean) =>
  [...paths].filter((path) => isIn(roomOf(path))).length

function rowOf(feature: string, { own, all }: FeatureFiles): string {
  const cell = (isIn: (room: string) => boolean) => {
    const files = count(all, isIn)
    if (files === 0) return ''
    return count(own, isIn) > 0 ? `**${files}**` : String(files)
  }
  const isElsewhere = (room: string) => !ROOMS.some((named) => named === room)
  const cells = [...ROOMS.map((name) => cell((room) => room === name)), cell(isElsewhere)]
  return `| ${[feature, String(all.size), ...cells].join(' | ')} |`
}
