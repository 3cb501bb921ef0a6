/**
 * One configuration in the place of a watched one, for a command that looks once.
 *
 * @module
 */
import type { Config } from '../../config/config.ts'
import type { ConfigSource } from '../../config/file/watch.ts'

export function unchanging(config: Config): ConfigSource {
  const { generation, checksum } = config
  return {
    current: config,
    status: { generation, checksum, loadedAt: Date.now(), state: 'good', warnings: [], unwatchedFolders: [] },
    onGeneration: () => ({ [Symbol.dispose]() {} }),
    async [Symbol.asyncDispose]() {},
  }
}
