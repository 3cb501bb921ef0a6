/**
 * What is wrong with the policies of a whole configuration, in the form that config/ places in the file.
 *
 * @module
 */
import type { Config, Mistake } from '../config/config.ts'
import { compilePolicy } from './compile.ts'

export function policyMistakes(config: Config): readonly Mistake[] {
  return config.routes.flatMap((route, index) =>
    (compilePolicy(route).problems ?? []).map(({ path, message }) => ({
      path: ['routes', index, ...path],
      message,
    })),
  )
}
