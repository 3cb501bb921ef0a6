/**
 * Brings the Envoy API's .proto files into `proto/envoy-api/` and regenerates `src/gen/`.
 *
 * The files come from the Rust crate `envoy-types`, which carries them at the age of the Envoy that
 * we pin; your own `cargo` fetches it by name, so no address stands here. Only the closure of
 * `src/gen/imports.ts` is copied. Run again with `npm run gen:proto`; nothing changes if nothing changed.
 *
 * @module
 */

import { execFileSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { RESOURCES, SERVICES } from '../src/gen/imports.ts'

const CRATE = { name: 'envoy-types', version: '0.7.7' }
const HERE = import.meta.dirname
const TARGET = join(HERE, 'envoy-api')
const GENERATED = join(HERE, '..', 'src', 'gen', 'envoy-api')

/** The generated types that the program starts from. */
const SERVICE_TYPES = [
  'envoy/service/auth/v3/Authorization.ts',
  'envoy/service/discovery/v3/AggregatedDiscoveryService.ts',
  'envoy/service/ext_proc/v3/ExternalProcessor.ts',
]

/** The crate's folders under `proto/`, each a root that imports are relative to. */
const ROOTS = [
  'data-plane-api',
  'xds',
  'googleapis',
  'protoc-gen-validate',
  'opentelemetry-proto',
  'cel-spec/proto',
  'client_model',
]

const CargoMetadata = z.object({
  packages: z.array(z.object({ name: z.string(), manifest_path: z.string() })),
})

/** Fetches the crate into a temporary project and says where cargo put its sources. */
function fetchCrate(temporary: string): string {
  mkdirSync(join(temporary, 'src'))
  writeFileSync(join(temporary, 'src', 'lib.rs'), '')
  writeFileSync(
    join(temporary, 'Cargo.toml'),
    `[package]\nname = "refresh"\nversion = "0.0.0"\nedition = "2021"\n\n[dependencies]\n${CRATE.name} = "=${CRATE.version}"\n`,
  )
  execFileSync('cargo', ['fetch', '--quiet'], { cwd: temporary, stdio: 'inherit' })
  const metadata = execFileSync('cargo', ['metadata', '--format-version', '1'], {
    cwd: temporary,
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  const found = CargoMetadata.parse(JSON.parse(metadata)).packages.find(({ name }) => name === CRATE.name)
  if (found === undefined) throw new Error(`cargo did not bring ${CRATE.name}`)
  return dirname(found.manifest_path)
}

/** Every file that `entries` import, themselves included, as path → file on disk. */
function closureOf(entries: readonly string[], crate: string): Map<string, string> {
  const found = new Map<string, string>()
  const open = [...entries]
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    // protobufjs brings google/protobuf/* itself.
    if (found.has(path) || path.startsWith('google/protobuf/')) continue
    const file = ROOTS.map((root) => join(crate, 'proto', root, path)).find((each) => existsSync(each))
    if (file === undefined) throw new Error(`${path} is in none of the crate's roots`)
    found.set(path, file)
    for (const [, imported = ''] of readFileSync(file, 'utf8').matchAll(
      /^import\s+(?:public\s+)?"([^"]+)"/gm,
    ))
      open.push(imported)
  }
  return found
}

/** Types of the services' messages, as @grpc/proto-loader's own generator writes them. */
function generateTypes(): void {
  rmSync(GENERATED, { recursive: true, force: true })
  const options = ['--keepCase', '--longs=String', '--enums=String', '--oneofs', '--importFileExtension=.ts']
  execFileSync(
    'proto-loader-gen-types',
    [...options, '--grpcLib=@grpc/grpc-js', `--includeDirs=${TARGET}`, `--outDir=${GENERATED}`, ...SERVICES],
    { stdio: ['ignore', 'ignore', 'inherit'] },
  )
  const used = reachableFrom(SERVICE_TYPES)
  for (const file of globSync('**/*.ts', { cwd: GENERATED })) {
    const path = join(GENERATED, file)
    // The generator names each source by its absolute path, which is nobody else's business.
    if (used.has(path))
      writeFileSync(path, readFileSync(path, 'utf8').replaceAll(`// Original file: ${TARGET}/`, '// '))
    else rmSync(path)
  }
}

/** Generated files that these import, directly or not: the generator also writes what nobody asked for. */
function reachableFrom(files: readonly string[]): ReadonlySet<string> {
  const found = new Set<string>()
  const open = files.map((file) => join(GENERATED, file))
  for (let path = open.pop(); path !== undefined; path = open.pop()) {
    if (found.has(path)) continue
    found.add(path)
    for (const [, imported = ''] of readFileSync(path, 'utf8').matchAll(/ from '(\.[^']+)'/g))
      open.push(join(dirname(path), imported))
  }
  return found
}

const temporary = mkdtempSync(join(tmpdir(), 'sallyport-proto-'))
try {
  const crate = fetchCrate(temporary)
  const closure = closureOf([...SERVICES, ...RESOURCES], crate)
  rmSync(TARGET, { recursive: true, force: true })
  for (const [path, file] of closure) {
    mkdirSync(dirname(join(TARGET, path)), { recursive: true })
    cpSync(file, join(TARGET, path))
  }
  cpSync(join(crate, 'LICENSE'), join(TARGET, 'LICENSE'))
  writeFileSync(
    join(TARGET, 'SOURCES.md'),
    `# Where these files come from

${closure.size} files, unchanged, from \`proto/\` of the Rust crate \`${CRATE.name}\` ${CRATE.version} (Apache-2.0), which copies them
from envoyproxy/envoy (\`envoy/\`), cncf/xds (\`xds/\`, \`udpa/\`), bufbuild/protoc-gen-validate (\`validate/\`),
googleapis/googleapis (\`google/\`), google/cel-spec (\`cel/\`), prometheus/client_model (\`io/\`) and
open-telemetry/opentelemetry-proto (\`opentelemetry/\`); all Apache-2.0 (LICENSE). Never edit them: run \`npm run gen:proto\`.
`,
  )
  generateTypes()
  process.stdout.write(`${closure.size} files from ${CRATE.name} ${CRATE.version}\n`)
} finally {
  rmSync(temporary, { recursive: true, force: true })
}
