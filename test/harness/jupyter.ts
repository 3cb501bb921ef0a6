/**
 * JupyterLab: an app that lives on WebSockets, as a stranger would put it behind the proxy.
 *
 * @module
 */
import { join } from 'node:path'
import { request } from './http-client.ts'
import { tempDir } from './ports.ts'
import { startProcess } from './process.ts'
import { until } from './until.ts'

/** @param python from `parts.jupyter()` */
export async function startJupyter(python: string, port: number): Promise<AsyncDisposable> {
  const home = await tempDir('jupyter')
  const process = startProcess({
    name: 'JupyterLab',
    command: python,
    args: [
      '-m',
      'jupyterlab',
      '--no-browser',
      '--allow-root',
      '--ServerApp.ip=127.0.0.1',
      `--ServerApp.port=${port}`,
      '--ServerApp.port_retries=0',
      // the proxy in front of it decides who comes in
      '--IdentityProvider.token=',
      '--ServerApp.allow_remote_access=True',
      `--ServerApp.root_dir=${home.path}`,
    ],
    env: {
      HOME: home.path,
      JUPYTER_CONFIG_DIR: join(home.path, 'config'),
      JUPYTER_DATA_DIR: join(home.path, 'data'),
      JUPYTER_RUNTIME_DIR: join(home.path, 'runtime'),
      IPYTHONDIR: join(home.path, 'ipython'),
    },
  })
  const stop = async (): Promise<void> => {
    await process.stop(4_000)
    await home[Symbol.asyncDispose]()
  }
  try {
    await until(
      async () => {
        if (process.exit !== undefined) throw new Error(process.lines.slice(-10).join('\n'))
        return (await request({ url: `http://127.0.0.1:${port}/api` })).status === 200
      },
      { what: 'JupyterLab to answer', withinMs: 60_000, everyMs: 100 },
    )
  } catch (error) {
    await stop()
    throw error
  }
  return { [Symbol.asyncDispose]: stop }
}
