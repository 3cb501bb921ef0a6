/**
 * A configuration for a command that reads it and serves nothing.
 *
 * @module
 */

import { CHECKS } from '../access/config-checks.ts'
import type { Config } from '../config/config.ts'
import { type LoadOptions, loadConfig, readConfigFile } from '../config/file/load.ts'
import { type Positions, positionsIn } from '../config/file/positions.ts'

export interface OpenedConfig {
  readonly config: Config
  readonly positions: Positions
}

/**
 * Its tests are not run: whoever asks why one fails needs the answer. @throws {Fault} CONFIG_UNREADABLE,
 * CONFIG_INVALID
 */
export function openConfig(
  file: string,
  env: Readonly<Record<string, string | undefined>>,
  options: Pick<LoadOptions, 'withoutSecrets'> = {},
): OpenedConfig {
  const config = loadConfig(file, { env, ...options, ...CHECKS })
  let positions: Positions | undefined
  return {
    config,
    get positions() {
      return (positions ??= positionsIn(config, readConfigFile(file)))
    },
  }
}
