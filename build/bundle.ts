/**
 * Makes the program of its sources with esbuild: what all forms in which Sallyport is shipped are made from.
 *
 * Names and syntax are left as they are, only white space goes: libraries write names of classes into what
 * they store. Files of `src/form/` give way to those of `stand-ins/`.
 *
 * @module
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type BuildOptions, type Metafile, type Plugin, build as run } from 'esbuild'
import { version } from '../src/form/installation.ts'
import { THREADS } from '../src/form/threads.ts'
import { slimProtos } from './proto-data.ts'

export const ROOT = join(import.meta.dirname, '..')

/** The oldest Node that has the syntax and the modules that the sources use. */
export const OLDEST_NODE = 24

const STAND_INS = join(import.meta.dirname, 'stand-ins')
const PROGRAM = 'src/cli/sallyport.ts'

/** Modules in CommonJS among the dependencies ask for Node's own by `require`. */
const REQUIRE = `import { createRequire as requireFor } from 'node:module'
const require = requireFor(`

/** What is the same for every form. Nothing of it depends on this machine or on the time. */
function common(standIns: Readonly<Record<string, string>>): BuildOptions {
  return {
    absWorkingDir: ROOT,
    // Paths in the output are those from the root, wherever the checkout has its node_modules.
    preserveSymlinks: true,
    bundle: true,
    platform: 'node',
    target: `node${OLDEST_NODE}`,
    mainFields: ['module', 'main'],
    minifyWhitespace: true,
    // Two classes of one name get two in one module: what is stored has the names of the sources.
    keepNames: true,
    legalComments: 'none',
    metafile: true,
    write: false,
    logLevel: 'warning',
    define: {
      SALLYPORT_VERSION: JSON.stringify(version()),
      SALLYPORT_PROTOS_SERVICES: JSON.stringify(slimProtos('services')),
      SALLYPORT_PROTOS_ALL: JSON.stringify(slimProtos('all')),
    },
    plugins: [putInPlace({ 'installation.ts': 'installation.ts', 'protos.ts': 'protos.ts', ...standIns })],
  }
}

/** Loads a file of `stand-ins/` where a file of `src/form/` is imported. */
function putInPlace(standIns: Readonly<Record<string, string>>): Plugin {
  return {
    name: 'stand-ins',
    setup(build) {
      build.onResolve({ filter: /\/form\/[a-z-]+\.ts$/ }, ({ path }) => {
        const standIn = standIns[path.slice(path.lastIndexOf('/') + 1)]
        return standIn === undefined ? undefined : { path: join(STAND_INS, standIn) }
      })
    },
  }
}

const threadEntries = Object.entries(THREADS).map(([name, path]) => ({
  in: join('src', 'form', path),
  out: `${name}-thread`,
}))

/** The demo's OpenID provider by itself, for the first look in containers. */
const EXAMPLE_PROVIDER = { in: 'examples/compose/openid-provider.ts', out: 'example-openid-provider' }

/**
 * The bundle: modules in `directory`, of which `sallyport.mjs` is the program.
 *
 * @returns what is in it, by esbuild's account
 */
export async function makeBundle(directory: string, { withExample = false } = {}): Promise<Metafile> {
  const made = await run({
    ...common({ 'threads.ts': 'threads.ts' }),
    entryPoints: [
      { in: PROGRAM, out: 'sallyport' },
      ...threadEntries,
      ...(withExample ? [EXAMPLE_PROVIDER] : []),
    ],
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    splitting: true,
    chunkNames: '[name]-[hash]',
    banner: { js: `${REQUIRE}import.meta.url)` },
  })
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  for (const { path, contents } of made.outputFiles ?? []) await writeFile(path, contents)
  return told(made.metafile)
}

/** The oldest Node that the client runs on. */
export const OLDEST_CLIENT_NODE = 20

/** The program of the client: one module, with no code of others. */
export async function makeClientBundle(directory: string): Promise<Metafile> {
  const made = await run({
    ...common({}),
    target: `node${OLDEST_CLIENT_NODE}`,
    entryPoints: [{ in: 'src/cli/client/sallyport-client.ts', out: 'sallyport-client' }],
    outdir: directory,
    outExtension: { '.js': '.mjs' },
    format: 'esm',
  })
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  for (const { path, contents } of made.outputFiles ?? []) await writeFile(path, contents)
  return told(made.metafile)
}

export interface SingleProgram {
  /** One CommonJS module: a single file of Node takes nothing else. */
  readonly program: string
  /** Modules of threads, by the names under which the program asks for them. */
  readonly threads: Readonly<Record<string, string>>
  readonly metafile: Metafile
}

/** The program as few texts, for the single file. */
export async function makeSingleProgram({
  hasEnvoy,
}: {
  readonly hasEnvoy: boolean
}): Promise<SingleProgram> {
  const standIns = {
    'threads.ts': 'single-file-threads.ts',
    'brought-envoy.ts': 'single-file-envoy.ts',
  }
  const options = common(standIns)
  const define = { ...options.define, SALLYPORT_HAS_ENVOY: String(hasEnvoy) }
  const program = await run({
    ...options,
    define: { ...define, 'import.meta.url': 'importMetaUrl' },
    entryPoints: [PROGRAM],
    outfile: 'sallyport.cjs',
    format: 'cjs',
    banner: { js: "const importMetaUrl = require('node:url').pathToFileURL(process.execPath).href" },
  })
  const threads = await run({
    ...options,
    define,
    entryPoints: threadEntries,
    outdir: '.',
    outExtension: { '.js': '.mjs' },
    format: 'esm',
    banner: { js: `${REQUIRE}process.execPath)` },
  })
  const [main] = program.outputFiles ?? []
  return {
    program: main?.text ?? '',
    threads: Object.fromEntries(
      (threads.outputFiles ?? []).map(({ path, text }) => [path.slice(path.lastIndexOf('/') + 1), text]),
    ),
    metafile: {
      inputs: { ...told(program.metafile).inputs, ...told(threads.metafile).inputs },
      outputs: { ...told(program.metafile).outputs, ...told(threads.metafile).outputs },
    },
  }
}

function told(metafile: Metafile | undefined): Metafile {
  if (metafile === undefined) throw new Error('esbuild gave no account of what it put in')
  return metafile
}

/** Names of the packages whose code is in an output: folders of `node_modules`. */
export function packagesIn({ outputs }: Metafile): readonly string[] {
  const folders = Object.values(outputs).flatMap(({ inputs }) =>
    Object.entries(inputs).flatMap(([path, { bytesInOutput }]) => {
      const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
      return folder === undefined || bytesInOutput === 0 ? [] : [folder]
    }),
  )
  return [...new Set(folders)].toSorted()
}

/** A file of the checkout. */
export const ours = async (path: string): Promise<string> => await readFile(join(ROOT, path), 'utf8')
